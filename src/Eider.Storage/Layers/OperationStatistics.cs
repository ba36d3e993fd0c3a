namespace Eider.Storage.Layers;

/// <summary>What one kind of operation came to so far.</summary>
/// <param name="Requests">Requests that ended, well or not.</param>
/// <param name="Bytes">Bytes of those that ended well.</param>
/// <param name="Failures">Requests that ended with a host failure.</param>
/// <param name="Time">Time that all of them took together, from the call to the end.</param>
public readonly record struct OperationStatistics(long Requests, long Bytes, long Failures, TimeSpan Time);
