namespace Eider.Storage.Compression;

/// <summary>Something of a native library that is freed once, by <see cref="Dispose"/> or at the latest by the finalizer.</summary>
internal abstract class NativeContext : IDisposable
{
    private bool _isFree;

    ~NativeContext() => FreeOnce();

    public void Dispose()
    {
        FreeOnce();
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives it back to the library.</summary>
    protected abstract void Free();

    private void FreeOnce()
    {
        if (!_isFree)
        {
            _isFree = true;
            Free();
        }
    }
}
