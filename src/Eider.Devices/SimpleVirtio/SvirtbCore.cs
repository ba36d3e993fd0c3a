using Eider.Hardware.Memory;

namespace Eider.Devices.SimpleVirtio;

/// <summary>Registers and their rules, without a thread or a storage. Whoever uses it holds the device's lock.</summary>
/// <param name="memory">Asked only whether a ring would lie in RAM, which takes no lock and reads none of it.</param>
/// <param name="strideBytes">Distance of two entries.</param>
internal sealed class SvirtbCore(GuestMemory memory, int strideBytes)
{
    private SvirtbState _state = SvirtbState.Initial;

    /// <summary>What the guest sees.</summary>
    public ref readonly SvirtbState State => ref _state;

    /// <summary>True if an entry waits for the device: from the tail on, up to the one before the head.</summary>
    public bool HasEntry => _state.Status == SvirtbStatus.Ready && _state.QueueHead != _state.QueueTail;

    /// <summary>Address of the entry at the tail.</summary>
    public ulong EntryAddress => _state.QueueAddress + ((ulong)_state.QueueTail * (uint)strideBytes); // READY checked the sum

    /// <summary>The value of a register.</summary>
    public uint Read(SvirtbRegister register) => register switch
    {
        SvirtbRegister.Status => (uint)_state.Status,
        SvirtbRegister.QueueSize => _state.QueueSize,
        SvirtbRegister.QueueAddrHi => _state.QueueAddrHi,
        SvirtbRegister.QueueAddrLo => _state.QueueAddrLo,
        SvirtbRegister.QueueHead => _state.QueueHead,
        SvirtbRegister.QueueTail => _state.QueueTail,
        _ => 0,
    };

    /// <summary>A write of the driver, but for RESET, which takes time.</summary>
    public void Write(SvirtbRegister register, uint value)
    {
        switch (register)
        {
            case SvirtbRegister.Status:
                _state.Status = Next((SvirtbStatus)value);
                break;
            case SvirtbRegister.QueueSize when IsConfigurable:
                _state.QueueSize = value;
                break;
            case SvirtbRegister.QueueAddrHi when IsConfigurable:
                _state.QueueAddrHi = value;
                break;
            case SvirtbRegister.QueueAddrLo when IsConfigurable:
                _state.QueueAddrLo = value;
                break;
            case SvirtbRegister.QueueHead:
                WriteHead(value);
                break;
            default:
                break; // the tail is the device's, and the ring is described between DRIVER_OK and READY only
        }
    }

    /// <summary>The entry at the tail is done.</summary>
    public void Advance() => _state.QueueTail = (_state.QueueTail + 1) % _state.QueueSize;

    /// <summary>The device met an error that a reset is needed for (section 2.1.2).</summary>
    public void Fail() => _state.Status = SvirtbStatus.Reset;

    /// <summary>As after power-on.</summary>
    public void Reset() => _state = SvirtbState.Initial;

    private bool IsConfigurable => _state.Status == SvirtbStatus.DriverOk;

    // Section 3. Repeating a step changes nothing; everything else out of order, MAGIC and unknown values are errors.
    private SvirtbStatus Next(SvirtbStatus written) => (_state.Status, written) switch
    {
        (SvirtbStatus.Magic or SvirtbStatus.DriverOk, SvirtbStatus.DriverOk) => SvirtbStatus.DriverOk,
        (SvirtbStatus.DriverOk, SvirtbStatus.Ready) when IsQueueGood() => SvirtbStatus.Ready,
        (SvirtbStatus.Ready, SvirtbStatus.Ready) => SvirtbStatus.Ready,
        _ => SvirtbStatus.Reset,
    };

    private bool IsQueueGood() =>
        _state.QueueSize is > 0 and <= SvirtbLimits.MaxQueueSize
        && _state.QueueAddress % SvirtbLimits.QueueAlignmentBytes == 0
        && memory.Contains(_state.QueueAddress, (ulong)_state.QueueSize * (uint)strideBytes);

    private void WriteHead(uint value)
    {
        if (_state.Status == SvirtbStatus.Reset)
        {
            return; // nothing is processed until the driver writes RESET
        }

        if (_state.Status == SvirtbStatus.Ready && value < _state.QueueSize)
        {
            _state.QueueHead = value;
        }
        else
        {
            Fail();
        }
    }
}
