namespace Eider.Storage.Backends.Http;

/// <summary>One block of the page, there or on its way. What can be set is guarded by the cache's gate.</summary>
internal sealed class HttpBlock
{
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A block that nobody asked the server for yet.</summary>
    /// <param name="index">Its number in the page.</param>
    /// <param name="lengthBytes">Its length; shorter than others at the end of the page.</param>
    public HttpBlock(long index, int lengthBytes)
    {
        Index = index;
        LengthBytes = lengthBytes;
        Node = new LinkedListNode<HttpBlock>(this);
    }

    public enum Phase
    {
        /// <summary>Nobody asked the server for it yet.</summary>
        Pending,

        /// <summary>A request for it is under way.</summary>
        Fetching,

        /// <summary>The bytes are there.</summary>
        Ready,

        /// <summary>It could not be had; it is out of the cache.</summary>
        Failed,
    }

    public long Index { get; }

    public int LengthBytes { get; }

    /// <summary>Its place among the blocks that can be dropped, oldest first; in the list only while ready.</summary>
    public LinkedListNode<HttpBlock> Node { get; }

    /// <summary>Ends, always well, when the block is ready or failed.</summary>
    public Task Settled => _settled.Task;

    public Phase State { get; private set; }

    public byte[] Data { get; set; } = [];

    /// <summary>How many readers need it; it is not dropped meanwhile.</summary>
    public int Pins { get; set; }

    public BlockStorageException? Failure { get; private set; }

    public void Begin(byte[] data)
    {
        Data = data;
        State = Phase.Fetching;
    }

    public void Complete()
    {
        State = Phase.Ready;
        _settled.SetResult();
    }

    public void Fail(BlockStorageException failure)
    {
        State = Phase.Failed;
        Failure = failure;
        _settled.SetResult();
    }
}
