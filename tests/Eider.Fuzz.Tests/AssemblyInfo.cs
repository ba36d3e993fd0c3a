// A session counts the time of all processors of the process, and uses all of them itself.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
