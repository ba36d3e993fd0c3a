using Eider.Hardware.Lifecycle;

namespace Eider.Devices.Ide;

/// <summary>A disk: the commands of ATA/ATAPI-6, and what became of them in ACS-2.</summary>
internal sealed partial class AtaDisk : IdeDrive
{
    /// <summary>Heads of the translation after power-on.</summary>
    public const int DefaultHeads = 16;

    /// <summary>Sectors of a track of that translation.</summary>
    public const int DefaultSectorsPerTrack = 63;

    /// <summary>Settings and progress.</summary>
    public AtaDiskState Disk;

    private readonly byte[] _sectorBuffer = new byte[IdeLimits.SectorBytes];

    public AtaDisk(IdeDisk settings)
        : base(new DeviceStatistics(settings.Name))
    {
        Settings = settings;
    }

    /// <summary>What it was made from.</summary>
    public IdeDisk Settings { get; }

    /// <summary>Self-monitoring.</summary>
    public AtaSmart Smart { get; } = new();

    /// <summary>The number of sectors that there are.</summary>
    public long NativeSectors => Math.Min(Settings.Storage.SizeBytes / IdeLimits.SectorBytes, IdeLimits.Lba48Sectors);

    /// <summary>The number of sectors that the host may use.</summary>
    public long Sectors => Disk.MaxSectors == 0 ? NativeSectors : Math.Min(Disk.MaxSectors, NativeSectors);

    /// <summary>Cylinders of the translation after power-on.</summary>
    public int DefaultCylinders => (int)Math.Clamp(Sectors / (DefaultHeads * DefaultSectorsPerTrack), 1, 16383);

    /// <summary>True if TRIM does something.</summary>
    public bool CanTrim => Settings.Storage.Geometry.CanDiscard && !Settings.IsReadOnly;

    /// <inheritdoc/>
    protected override ushort Signature => 0x0000;

    /// <inheritdoc/>
    protected override IdeStatus ResetStatus => Good;

    /// <inheritdoc/>
    protected override void PowerOn()
    {
        Disk = default;
        RevertSettings();
        Disk.Power = AtaPowerMode.Active;
        Disk.ProbedSector = -1;
    }

    /// <inheritdoc/>
    protected override void OnSoftReset()
    {
        if (!Disk.KeepsSettings)
        {
            RevertSettings();
        }

        Disk.Power = AtaPowerMode.Active;
        Disk.MaySetMax = false;
    }

    /// <inheritdoc/>
    protected override void OnAbandoned()
    {
        Disk.ProbedSector = -1;
        Disk.ReplyBytes = Disk.TrimBlocks = 0;
        Disk.IsCutShort = false;
    }

    /// <inheritdoc/>
    protected override void Run(byte command)
    {
        var maySetMax = Disk.MaySetMax;
        Disk.MaySetMax = false;
        OnAbandoned();
        if (TryGetTransfer((AtaCommand)command, out var transfer))
        {
            BeginTransfer(transfer);
            return;
        }

        switch ((AtaCommand)command)
        {
            case AtaCommand.IdentifyDevice:
                AtaIdentify.Write(Buffer.AsSpan(0, AtaIdentify.Size), this);
                OfferBlock(0, AtaIdentify.Size, IdeTransferEnd.TransferStop);
                break;
            case AtaCommand.SetFeatures:
                SetFeatures((AtaFeature)State.Features.Current);
                break;
            case AtaCommand.FlushCache or AtaCommand.FlushCacheExt:
                Flush();
                break;
            case AtaCommand.DataSetManagement:
                BeginTrim();
                break;
            case AtaCommand.SetMultipleMode:
                SetMultipleMode();
                break;
            case AtaCommand.Recalibrate:
                Finish();
                break;
            case AtaCommand.Seek:
                Seek();
                break;
            case AtaCommand.InitializeDeviceParameters:
                InitializeDeviceParameters();
                break;
            case AtaCommand.SecurityFreezeLock:
                Disk.IsFrozen = true;
                Finish();
                break;
            case AtaCommand.ReadNativeMax or AtaCommand.ReadNativeMaxExt:
                ReadNativeMax(command == (byte)AtaCommand.ReadNativeMaxExt);
                break;
            case AtaCommand.SetMax or AtaCommand.SetMaxExt:
                SetMax(command == (byte)AtaCommand.SetMaxExt, maySetMax);
                break;
            default:
                RunFurther((AtaCommand)command);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void EndTransfer(IdeTransferEnd end)
    {
        switch (end)
        {
            case IdeTransferEnd.SectorRead:
                SectorRead();
                break;
            case IdeTransferEnd.SectorWrite:
                SectorWrite();
                break;
            default:
                TransferStop();
                break;
        }
    }

    private static bool TryGetTransfer(AtaCommand command, out AtaTransfer transfer)
    {
        const AtaAddressing Ext = AtaAddressing.Lba48;
        AtaTransfer? found = command switch
        {
            AtaCommand.ReadSectors or AtaCommand.ReadSectorsOnce => new(AtaAddressing.Lba28),
            AtaCommand.ReadSectorsExt => new(Ext),
            AtaCommand.ReadMultiple => new(AtaAddressing.Lba28, IsMultiple: true),
            AtaCommand.ReadMultipleExt => new(Ext, IsMultiple: true),
            AtaCommand.ReadDma or AtaCommand.ReadDmaOnce => new(AtaAddressing.Lba28, IsDma: true),
            AtaCommand.ReadDmaExt => new(Ext, IsDma: true),
            AtaCommand.ReadVerify or AtaCommand.ReadVerifyOnce => new(AtaAddressing.Lba28, IsVerify: true),
            AtaCommand.ReadVerifyExt => new(Ext, IsVerify: true),
            AtaCommand.WriteSectors or AtaCommand.WriteSectorsOnce => new(AtaAddressing.Lba28, IsWrite: true),
            AtaCommand.WriteVerify => new(AtaAddressing.Lba28, IsWrite: true, IsDurable: true),
            AtaCommand.WriteSectorsExt => new(Ext, IsWrite: true),
            AtaCommand.WriteMultiple => new(AtaAddressing.Lba28, IsWrite: true, IsMultiple: true),
            AtaCommand.WriteMultipleExt => new(Ext, IsWrite: true, IsMultiple: true),
            AtaCommand.WriteMultipleFuaExt => new(Ext, IsWrite: true, IsMultiple: true, IsDurable: true),
            AtaCommand.WriteDma or AtaCommand.WriteDmaOnce => new(AtaAddressing.Lba28, IsWrite: true, IsDma: true),
            AtaCommand.WriteDmaExt => new(Ext, IsWrite: true, IsDma: true),
            AtaCommand.WriteDmaFuaExt => new(Ext, IsWrite: true, IsDma: true, IsDurable: true),
            _ => null,
        };
        transfer = found ?? default;
        return found is not null;
    }

    private void RunFurther(AtaCommand command)
    {
        switch (command)
        {
            case AtaCommand.StandbyImmediate or AtaCommand.OldStandbyImmediate or AtaCommand.Standby or AtaCommand.OldStandby
                or AtaCommand.Sleep or AtaCommand.OldSleep:
                Disk.Power = AtaPowerMode.Standby;
                Flush();
                break;
            case AtaCommand.IdleImmediate or AtaCommand.OldIdleImmediate or AtaCommand.Idle or AtaCommand.OldIdle:
                Disk.Power = AtaPowerMode.Idle;
                Finish();
                break;
            case AtaCommand.CheckPowerMode or AtaCommand.OldCheckPowerMode:
                State.SectorCount = new IdeLatch { Current = (byte)Disk.Power };
                Finish();
                break;
            case AtaCommand.ReadBuffer:
                _sectorBuffer.CopyTo(Buffer, 0);
                OfferBlock(0, IdeLimits.SectorBytes, IdeTransferEnd.TransferStop);
                break;
            case AtaCommand.WriteBuffer:
                WantBlock(0, IdeLimits.SectorBytes, IdeTransferEnd.TransferStop, interrupt: false);
                break;
            case AtaCommand.Smart:
                RunSmart();
                break;
            case AtaCommand.ReadLogExt or AtaCommand.ReadLogDmaExt:
                ReadLog(command == AtaCommand.ReadLogDmaExt);
                break;
            default:
                Fail(IdeError.Aborted);
                break;
        }
    }

    // The only block of a command is through.
    private void TransferStop()
    {
        if (State.Command == (byte)AtaCommand.WriteBuffer)
        {
            Buffer.AsSpan(0, IdeLimits.SectorBytes).CopyTo(_sectorBuffer);
            Finish();
            return;
        }

        Finish(interrupt: false);
    }

    private void Flush() => Begin(new IdeJob { Kind = IdeJobKind.Flush, Storage = Settings.Storage });

    private void RevertSettings()
    {
        Disk.Heads = DefaultHeads;
        Disk.SectorsPerTrack = DefaultSectorsPerTrack;
        Disk.MultipleSectors = IdeLimits.MaxMultipleSectors;
        Disk.Mode = AtaTransferMode.PowerOn;
        Disk.HasWriteCache = true;
        Disk.HasLookAhead = true;
        Disk.KeepsSettings = false;
    }
}
