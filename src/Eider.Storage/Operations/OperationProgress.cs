namespace Eider.Storage.Operations;

/// <summary>How far a long operation is. Called from the workers, several times a second at least, never at the same time.</summary>
/// <param name="doneBytes">Bytes of the disk that are done, holes included.</param>
/// <param name="totalBytes">Bytes of the disk.</param>
public delegate void OperationProgress(long doneBytes, long totalBytes);
