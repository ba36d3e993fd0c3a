namespace Eider.Testing.Fuzzing;

/// <summary>
/// What is fuzzed: makes one case from choices, runs it, checks it. One object is used on one thread for many cases; each
/// case starts from the same state, whatever the one before did.
/// </summary>
public abstract class FuzzTarget : IDisposable
{
    /// <summary>Its name in tables, options and folders: lower case, with hyphens.</summary>
    public abstract string Name { get; }

    /// <summary>
    /// True for a device: a tenth of its runs at least must be completed by what stands behind it, or the generator
    /// makes nothing but noise that is refused at the door.
    /// </summary>
    public virtual bool IsDevice => false;

    /// <summary>Most bytes that one case may allocate, in bytes: no number in a case may make it more.</summary>
    public virtual long MaxAllocatedBytes => 1 << 20;

    /// <summary>Runs one case; what it throws is a finding.</summary>
    /// <param name="input">The choices.</param>
    /// <returns>
    /// True if the case was completed by the back end (a device: a request reached it, and its answer came back to the
    /// driver) or accepted (a parser: the input was good).
    /// </returns>
    public abstract bool Run(FuzzInput input);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the target holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
