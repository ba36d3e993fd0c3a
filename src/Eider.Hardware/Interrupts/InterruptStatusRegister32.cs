namespace Eider.Hardware.Interrupts;

/// <summary>
/// The 32 bits that say why a device interrupts: set by its workers, cleared by the guest's driver, each operation
/// atomic and a full fence.
/// </summary>
public sealed class InterruptStatusRegister32
{
    private uint _value;

    /// <summary>The bits now.</summary>
    public uint Read() => Volatile.Read(ref _value);

    /// <summary>Replaces all bits.</summary>
    public void Write(uint value) => Interlocked.Exchange(ref _value, value);

    /// <summary>Takes all bits and leaves none: a register that is cleared by reading it.</summary>
    /// <returns>The bits before.</returns>
    public uint ReadAndClear() => Interlocked.Exchange(ref _value, 0);

    /// <summary>Sets bits.</summary>
    /// <returns>The bits before: who finds none set raises the interrupt.</returns>
    public uint SetBits(uint bits) => Interlocked.Or(ref _value, bits);

    /// <summary>Clears bits.</summary>
    /// <returns>The bits before.</returns>
    public uint ClearBits(uint bits) => Interlocked.And(ref _value, ~bits);
}
