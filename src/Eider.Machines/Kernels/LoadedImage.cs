namespace Eider.Machines.Kernels;

/// <summary>A program that lies in RAM.</summary>
/// <param name="Format">What the file was.</param>
/// <param name="Base">Guest-physical address of its first byte.</param>
/// <param name="End">First address that is free behind it, with its bss.</param>
/// <param name="EntryPoint">Where it begins, a guest-physical address.</param>
/// <param name="Mode">The mode that it expects to begin in.</param>
public readonly record struct LoadedImage(KernelFormat Format, ulong Base, ulong End, ulong EntryPoint, BootMode Mode);
