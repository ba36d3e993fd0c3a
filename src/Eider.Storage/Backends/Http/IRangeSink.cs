namespace Eider.Storage.Backends.Http;

/// <summary>Takes the bytes of a range as they come.</summary>
internal interface IRangeSink
{
    /// <summary>Where the next bytes go; not empty until all have come.</summary>
    Memory<byte> Free { get; }

    /// <summary>That many bytes were put there.</summary>
    void Advance(int count);

    /// <summary>All that came until now is right: the reply that it came with was checked to its end.</summary>
    void Commit();
}
