namespace Eider.Hardware.Lifecycle;

/// <summary>What a guest wishes of its power switch.</summary>
/// <param name="Kind">Off or restart.</param>
/// <param name="Code">The exit code that the guest reported; 0 if it went well or said nothing.</param>
public readonly record struct PowerRequest(PowerRequestKind Kind, int Code = 0);
