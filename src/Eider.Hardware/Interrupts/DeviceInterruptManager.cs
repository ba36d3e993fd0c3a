using Eider.Hardware.Resources;

namespace Eider.Hardware.Interrupts;

/// <summary>
/// The interrupts of one device, and which kind of them it uses. The guest's driver chooses while they are off:
/// from and to a wire or nothing as it likes, but never from one kind of messages straight to another. For one
/// thread at a time (the device's lock); the group that it hands out is for all.
/// </summary>
public sealed class DeviceInterruptManager
{
    private readonly InterruptManager _manager;
    private readonly Dictionary<DeviceInterruptMode, InterruptGroup> _groups = [];
    private MsiMessage[] _messages = [];
    private bool[] _masks = [];

    /// <summary>Makes a group for the first wire, and for the first messages of each kind, that a device was given.</summary>
    /// <exception cref="ArgumentException">One of them is in use, or the board does not have it; none is taken then.</exception>
    public DeviceInterruptManager(InterruptManager manager, DeviceResources resources)
    {
        ArgumentNullException.ThrowIfNull(manager);
        ArgumentNullException.ThrowIfNull(resources);
        _manager = manager;
        try
        {
            if (resources.LegacyIrq is { } irq)
            {
                Add(DeviceInterruptMode.Legacy, InterruptSourceType.Legacy, irq, 1);
            }

            AddMessages(DeviceInterruptMode.GenericMsi, InterruptSourceType.GenericMsi, resources.FirstMsi(MsiIrqType.GenericMsi));
            AddMessages(DeviceInterruptMode.PciMsi, InterruptSourceType.PciMsi, resources.FirstMsi(MsiIrqType.PciMsi));
            AddMessages(DeviceInterruptMode.PciMsix, InterruptSourceType.PciMsix, resources.FirstMsi(MsiIrqType.PciMsix));
        }
        catch
        {
            Destroy();
            throw;
        }
    }

    /// <summary>How the device interrupts, or would once enabled.</summary>
    public DeviceInterruptMode Mode { get; private set; }

    /// <summary>True between <see cref="TryEnable"/> and <see cref="Reset"/>.</summary>
    public bool IsEnabled { get; private set; }

    /// <summary>Who the device is, for controllers that route messages by sender; goes into every message.</summary>
    public uint? DeviceId { get; set; }

    /// <summary>The interrupts in use; null while they are off.</summary>
    public InterruptGroup? Group => IsEnabled ? _groups[Mode] : null;

    /// <summary>True if the device was given what a mode needs.</summary>
    public bool Supports(DeviceInterruptMode mode) => mode == DeviceInterruptMode.Disabled || _groups.ContainsKey(mode);

    /// <summary>Chooses how to interrupt.</summary>
    /// <returns>
    /// False, and nothing changes: interrupts are on, the device was not given what the mode needs, or the switch is
    /// from one kind of messages to another, which goes through a wire or nothing only.
    /// </returns>
    public bool TrySetMode(DeviceInterruptMode mode)
    {
        if (IsEnabled || !Supports(mode) || (mode != Mode && IsMessages(mode) && IsMessages(Mode)))
        {
            return false;
        }

        if (mode == DeviceInterruptMode.Disabled)
        {
            Array.Clear(_messages);
            Array.Clear(_masks);
        }

        Mode = mode;
        return true;
    }

    /// <summary>Turns interrupts on. If no mode was chosen it is the wire.</summary>
    /// <returns>False if no mode was chosen and there is no wire. True if they were on already.</returns>
    public bool TryEnable()
    {
        if (IsEnabled)
        {
            return true;
        }

        if (Mode == DeviceInterruptMode.Disabled && !TrySetMode(DeviceInterruptMode.Legacy))
        {
            return false;
        }

        var group = _groups[Mode];
        var isMessages = IsMessages(Mode);
        group.Enable(isMessages ? [.. _messages.Take((int)group.Count).Select(Complete)] : []);
        for (var i = 0U; isMessages && i < group.Count; i++)
        {
            ApplyMask(group, i);
        }

        IsEnabled = true;
        return true;
    }

    /// <summary>Turns interrupts off, forgets messages and masks, and chooses no mode: the state after reset.</summary>
    public void Reset()
    {
        if (IsEnabled)
        {
            IsEnabled = false;
            _groups[Mode].Disable();
        }

        _ = TrySetMode(DeviceInterruptMode.Disabled);
    }

    /// <summary>The address of a message that a guest's driver programs; takes effect with <see cref="TryUpdate"/>.</summary>
    /// <returns>False if there is no such message.</returns>
    public bool TrySetAddress(uint index, ulong address) => TryChange(index, message => message with { Address = address });

    /// <summary>The data of a message that a guest's driver programs; takes effect with <see cref="TryUpdate"/>.</summary>
    /// <returns>False if there is no such message.</returns>
    public bool TrySetData(uint index, uint data) => TryChange(index, message => message with { Data = data });

    /// <summary>The mask of a message that a guest's driver programs; takes effect with <see cref="TryUpdate"/>.</summary>
    /// <returns>False if there is no such message.</returns>
    public bool TrySetMask(uint index, bool isMasked)
    {
        if (index >= _masks.Length)
        {
            return false;
        }

        _masks[index] = isMasked;
        return true;
    }

    /// <summary>Reads a mask back, as programmed.</summary>
    /// <returns>False if there is no such message.</returns>
    public bool TryGetMask(uint index, out bool isMasked)
    {
        isMasked = index < _masks.Length && _masks[index];
        return index < _masks.Length;
    }

    /// <summary>Makes what was programmed for a message take effect while interrupts are on.</summary>
    /// <returns>False if they are off, the mode has no messages, or there is no such one.</returns>
    public bool TryUpdate(uint index)
    {
        if (Group is not { } group || !IsMessages(Mode) || index >= group.Count)
        {
            return false;
        }

        group.Update(index, Complete(_messages[index]));
        ApplyMask(group, index);
        return true;
    }

    /// <summary>Turns interrupts off and gives the groups back.</summary>
    public void Destroy()
    {
        Reset();
        foreach (var group in _groups.Values)
        {
            _manager.DestroyGroup(group);
        }

        _groups.Clear();
    }

    private static bool IsMessages(DeviceInterruptMode mode) =>
        mode is DeviceInterruptMode.GenericMsi or DeviceInterruptMode.PciMsi or DeviceInterruptMode.PciMsix;

    private void Add(DeviceInterruptMode mode, InterruptSourceType type, uint first, uint count) =>
        _groups.Add(mode, _manager.CreateGroup(type, first, count));

    private void AddMessages(DeviceInterruptMode mode, InterruptSourceType type, Resource.MsiIrq? given)
    {
        if (given is not null)
        {
            Add(mode, type, given.Base, given.Size);
            _messages = new MsiMessage[Math.Max(_messages.Length, (int)given.Size)];
            _masks = new bool[_messages.Length];
        }
    }

    private MsiMessage Complete(MsiMessage message) => message with { DeviceId = DeviceId };

    private void ApplyMask(InterruptGroup group, uint index)
    {
        if (_masks[index])
        {
            group.Mask(index);
        }
        else if (group.IsMasked(index))
        {
            group.Unmask(index);
        }
    }

    private bool TryChange(uint index, Func<MsiMessage, MsiMessage> change)
    {
        if (index >= _messages.Length)
        {
            return false;
        }

        _messages[index] = change(_messages[index]);
        return true;
    }
}
