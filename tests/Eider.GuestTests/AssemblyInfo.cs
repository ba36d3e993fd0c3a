using System.Runtime.Versioning;

// The guest is fetched with Debian's package manager.
[assembly: SupportedOSPlatform("linux")]

// Each guest wants a processor of its own, and CI has two.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
