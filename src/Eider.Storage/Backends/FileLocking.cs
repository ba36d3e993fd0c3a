namespace Eider.Storage.Backends;

/// <summary>
/// Who may have a file open together. Locks are advisory: they keep out this process, other Eider processes and
/// QEMU (the same bytes of the file are locked, with open-file-description locks), nobody else.
/// </summary>
public enum FileLocking
{
    /// <summary>A writer is alone; any number of readers may share the file, but not with a writer.</summary>
    Exclusive,

    /// <summary>Readers only: also beside a writer, whose changes then appear at any moment.</summary>
    ShareWithWriter,

    /// <summary>No lock is taken and none is looked at; the caller answers for what happens.</summary>
    None,
}
