namespace Eider.Devices.Tests.Virtio.Proofs;

/// <summary>
/// How much of a proof runs: a slice with every test run, all of it by <c>./test --proofs</c>, which sets
/// <c>EIDER_PROOFS=full</c>.
/// </summary>
internal static class ProofScale
{
    /// <summary>True if every case is to be looked at.</summary>
    public static bool IsFull => Environment.GetEnvironmentVariable("EIDER_PROOFS") == "full";
}
