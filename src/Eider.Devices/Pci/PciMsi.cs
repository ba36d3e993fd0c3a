using System.Buffers.Binary;
using System.Numerics;
using Eider.Hardware.Interrupts;

namespace Eider.Devices.Pci;

/// <summary>MSI of one function (PCI Local Bus 3.0, section 6.8.1), with 64-bit addresses and a mask for each vector.</summary>
internal sealed class PciMsi
{
    private const int ControlOffset = 2;
    private const int AddressOffset = 4;
    private const int DataOffset = 12;
    private const int MaskOffset = 16;
    private const int PendingOffset = 20;
    private const int SizeBytes = 24;
    private const uint EnableBit = 1;
    private const uint WideAddressBit = 1U << 7;
    private const uint MaskingBit = 1U << 8;

    private readonly Lock _gate = new();
    private readonly InterruptGroup _group;
    private readonly PciConfigSpace _config;
    private readonly int _capability;
    private bool _isEnabled;
    private uint _allocated = 1;

    /// <summary>On a capability that was added with <see cref="Body"/>.</summary>
    public PciMsi(InterruptGroup group, PciConfigSpace config, int capability)
    {
        (_group, _config, _capability) = (group, config, capability);
        config.SetWritable(capability + ControlOffset, 2, EnableBit | (7U << 4));
        config.SetWritable(capability + AddressOffset, 4, ~3U);
        config.SetWritable(capability + AddressOffset + 4, 4, uint.MaxValue);
        config.SetWritable(capability + DataOffset, 2, 0xFFFF);
        config.SetWritable(capability + MaskOffset, 4, uint.MaxValue >> (int)(32 - group.Count));
    }

    /// <summary>True while the driver uses it.</summary>
    public bool IsEnabled => Volatile.Read(ref _isEnabled);

    /// <summary>The capability after its header.</summary>
    public static byte[] Body(uint messages)
    {
        if (messages is < 1 or > 32 || !BitOperations.IsPow2(messages))
        {
            throw new ArgumentException($"{messages} MSI messages, expected 1, 2, 4, 8, 16 or 32", nameof(messages));
        }

        var body = new byte[SizeBytes - 2];
        var control = ((uint)BitOperations.Log2(messages) << 1) | WideAddressBit | MaskingBit;
        BinaryPrimitives.WriteUInt16LittleEndian(body, (ushort)control);
        return body;
    }

    /// <summary>Software wrote configuration space: a register of this capability may have changed.</summary>
    public void ConfigWritten(int offset, int length)
    {
        if (offset >= _capability + SizeBytes || offset + length <= _capability)
        {
            return;
        }

        lock (_gate)
        {
            Apply();
        }

        ShowPending();
    }

    /// <summary>Sends the message of a vector, or makes it pending.</summary>
    /// <param name="vector">Which; where fewer were allocated, they are shared (6.8.1.4).</param>
    /// <param name="isBusMaster">False if the function may not send: it stays silent.</param>
    public void Signal(uint vector, bool isBusMaster)
    {
        if (isBusMaster && !_group.Trigger(vector & (Volatile.Read(ref _allocated) - 1)))
        {
            ShowPending();
        }
    }

    /// <summary>Off.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            _group.Disable();
            Volatile.Write(ref _isEnabled, false);
        }
    }

    // Under the lock. Masks come before the group is enabled, so that no message slips out.
    private void Apply()
    {
        var control = _config.Get(_capability + ControlOffset, 2);
        var isEnabled = (control & EnableBit) != 0;
        Volatile.Write(ref _allocated, Math.Min(_group.Count, 1U << (int)Math.Min(control >> 4 & 7, 5)));
        var masks = _config.Get(_capability + MaskOffset, 4);
        for (var i = 0U; i < _group.Count; i++)
        {
            if ((masks >> (int)i & 1) != 0)
            {
                _group.Mask(i);
            }
        }

        if (isEnabled)
        {
            _group.Enable(Messages());
        }
        else if (_isEnabled)
        {
            _group.Disable();
        }

        Volatile.Write(ref _isEnabled, isEnabled);
        for (var i = 0U; i < _group.Count; i++)
        {
            if ((masks >> (int)i & 1) == 0 && _group.IsMasked(i))
            {
                _group.Unmask(i);
            }
        }
    }

    // A function tells its vectors apart by the lowest bits of the data, as many as were allocated.
    private MsiMessage[] Messages()
    {
        var address = _config.Get(_capability + AddressOffset, 4) | ((ulong)_config.Get(_capability + AddressOffset + 4, 4) << 32);
        var data = _config.Get(_capability + DataOffset, 2) & ~(_allocated - 1);
        return [.. Enumerable.Range(0, (int)_group.Count).Select(vector => new MsiMessage(address, data | ((uint)vector & (_allocated - 1))))];
    }

    private void ShowPending()
    {
        var bits = 0U;
        for (var i = 0; i < _group.Count; i++)
        {
            bits |= _group.IsPending((uint)i) ? 1U << i : 0;
        }

        _config.Set(_capability + PendingOffset, 4, bits);
    }
}
