namespace Eider.Storage;

/// <summary>Keeps contexts that are dear to make; takes no lock and allocates nothing once they are made.</summary>
internal sealed class ContextPool<T>(Func<T> create) : IDisposable
    where T : class, IDisposable
{
    private readonly T?[] _kept = new T?[Math.Max(4, Environment.ProcessorCount * 2)];

    /// <summary>A context that nobody else has.</summary>
    public T Rent()
    {
        for (var index = 0; index < _kept.Length; index++)
        {
            if (Volatile.Read(ref _kept[index]) != null && Interlocked.Exchange(ref _kept[index], null) is { } context)
            {
                return context;
            }
        }

        return create();
    }

    /// <summary>Gives it back.</summary>
    public void Return(T context)
    {
        for (var index = 0; index < _kept.Length; index++)
        {
            if (Volatile.Read(ref _kept[index]) == null && Interlocked.CompareExchange(ref _kept[index], context, null) == null)
            {
                return;
            }
        }

        context.Dispose();
    }

    public void Dispose()
    {
        for (var index = 0; index < _kept.Length; index++)
        {
            Interlocked.Exchange(ref _kept[index], null)?.Dispose();
        }
    }
}
