using Eider.Hardware.Lifecycle;
using Eider.Storage;

namespace Eider.Devices.Ide;

/// <summary>A CD and DVD drive: the PACKET command (ATA/ATAPI-6) and what stands around it.</summary>
internal sealed partial class AtapiDrive : IdeDrive
{
    private const int PacketBytes = 12;

    /// <summary>Settings and progress.</summary>
    public AtapiState Drive;

    private readonly byte[] _packet = new byte[PacketBytes];

    // The disc that the answer comes from: one that is put in meanwhile gives nothing to it.
    private BlockStorage? _source;

    public AtapiDrive(IdeCdrom settings)
        : base(new DeviceStatistics(settings.Name))
    {
        Settings = settings;
        Medium = settings.Medium;
    }

    /// <summary>What it was made from.</summary>
    public IdeCdrom Settings { get; }

    /// <summary>What lies in it, whether or not the tray is open; null if nothing.</summary>
    public BlockStorage? Medium { get; private set; }

    /// <inheritdoc/>
    public override bool IsPacketDevice => true;

    /// <inheritdoc/>
    protected override ushort Signature => 0xEB14;

    /// <inheritdoc/>
    protected override IdeStatus ResetStatus => IdeStatus.None;

    private bool IsReady => Medium is not null && !Drive.IsTrayOpen;

    private long Blocks => IsReady ? Math.Min(Medium!.SizeBytes / IdeLimits.CdBlockBytes, uint.MaxValue) : 0;

    /// <summary>Puts something else into the drive, as a hand at the tray does; the tray is closed afterwards.</summary>
    public void Load(BlockStorage? medium)
    {
        Medium = medium;
        Drive.IsTrayOpen = false;
        Drive.HasEjectRequest = false;
        Drive.IsLocked &= medium is not null;
        Drive.Change = medium is null ? AtapiMediumChange.None : AtapiMediumChange.TellGone;
        Drive.HasNewMediumEvent = medium is not null;
    }

    /// <inheritdoc/>
    public override void JobEnded(in IdeJob job, in IdeJobResult result)
    {
        if (job.Kind == IdeJobKind.MoveIn)
        {
            MovedIn(job, result);
        }
        else
        {
            Fetched(job, result);
        }
    }

    /// <inheritdoc/>
    protected override void PowerOn()
    {
        Drive = new AtapiState
        {
            Mode = AtaTransferMode.PowerOn,
            Power = AtaPowerMode.Active,
            Change = Drive.Change,
            HasNewMediumEvent = Drive.HasNewMediumEvent,
            IsTrayOpen = Drive.IsTrayOpen,
        };
    }

    /// <inheritdoc/>
    protected override void OnSoftReset()
    {
        Drive.Sense = AtapiSense.None;
        Drive.SenseBlock = null;
        Drive.Power = AtaPowerMode.Active;
    }

    /// <inheritdoc/>
    protected override void OnAbandoned() => Drive.LeftBytes = 0;

    /// <inheritdoc/>
    protected override void Run(byte command)
    {
        Drive.LeftBytes = 0;
        switch ((AtaCommand)command)
        {
            case AtaCommand.Packet:
                BeginPacket();
                break;
            case AtaCommand.IdentifyPacketDevice:
                AtapiIdentify.Write(Buffer.AsSpan(0, AtaIdentify.Size), this);
                OfferBlock(0, AtaIdentify.Size, IdeTransferEnd.TransferStop);
                break;
            case AtaCommand.DeviceReset:
                Channel.Abandon(this, IdeRecovery.DeviceReset);
                break;
            case AtaCommand.IdentifyDevice or AtaCommand.ReadSectors:
                PlaceSignature();
                Fail(IdeError.Aborted);
                break;
            case AtaCommand.SetFeatures:
                SetFeatures((AtaFeature)State.Features.Current);
                break;
            case AtaCommand.StandbyImmediate or AtaCommand.Sleep:
                Drive.Power = AtaPowerMode.Standby;
                Finish();
                break;
            case AtaCommand.IdleImmediate:
                Drive.Power = AtaPowerMode.Idle;
                Finish();
                break;
            case AtaCommand.CheckPowerMode:
                State.SectorCount.Current = (byte)Drive.Power;
                Finish();
                break;
            default:
                Fail(IdeError.Aborted);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void EndTransfer(IdeTransferEnd end)
    {
        switch (end)
        {
            case IdeTransferEnd.AtapiCommand:
                AtapiCommand();
                break;
            case IdeTransferEnd.AtapiCommandReplyEnd:
                AtapiCommandReplyEnd();
                break;
            default:
                Finish(interrupt: false);
                break;
        }
    }

    private void SetFeatures(AtaFeature feature)
    {
        switch (feature)
        {
            case AtaFeature.SetTransferMode when Drive.Mode.TrySet(State.SectorCount.Current, out var mode):
                Drive.Mode = mode;
                Finish();
                break;
            case AtaFeature.KeepSettings or AtaFeature.RevertSettings:
                Finish();
                break;
            default:
                Fail(IdeError.Aborted);
                break;
        }
    }

    private void BeginPacket()
    {
        const int Dma = 1;
        const int Overlap = 2;
        if ((State.Features.Current & Overlap) != 0)
        {
            Fail(IdeError.Aborted);
            return;
        }

        Drive.IsDma = (State.Features.Current & Dma) != 0;
        SetReason(AtapiReason.Command);
        WantBlock(0, PacketBytes, IdeTransferEnd.AtapiCommand, interrupt: false); // word 0 says: no interrupt for the packet
    }

    private void SetReason(AtapiReason reason) => State.SectorCount.Current = (byte)reason;

    private void Succeed()
    {
        if (State.Phase == IdePhase.DmaRunning)
        {
            Channel.DmaEnded();
        }

        SetReason(AtapiReason.Command | AtapiReason.ToHost);
        Finish();
    }

    private void CheckCondition(AtapiSense sense, uint? block = null)
    {
        Drive.Sense = sense;
        Drive.SenseBlock = block;
        Drive.LeftBytes = 0;
        SetReason(AtapiReason.Command | AtapiReason.ToHost);
        Fail((IdeError)((int)sense.Key << 4));
    }
}
