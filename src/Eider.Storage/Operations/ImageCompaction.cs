namespace Eider.Storage.Operations;

/// <summary>What <see cref="ImageCompactor"/> did.</summary>
/// <param name="BeforeBytes">Length of the file before.</param>
/// <param name="AfterBytes">Length of the file now.</param>
/// <param name="ZeroedBytes">Data that were zeroes, and were given back.</param>
/// <param name="MovedBytes">Data and tables that were moved to the front.</param>
public readonly record struct ImageCompaction(long BeforeBytes, long AfterBytes, long ZeroedBytes, long MovedBytes);
