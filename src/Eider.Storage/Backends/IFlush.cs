namespace Eider.Storage.Backends;

/// <summary>Durability, for a storage of one's own that has it.</summary>
public interface IFlush
{
    /// <summary>Makes durable whatever was written before the call.</summary>
    /// <param name="cancellationToken">Asks to end early.</param>
    ValueTask FlushAsync(CancellationToken cancellationToken);
}
