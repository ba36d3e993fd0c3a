using System.Buffers.Binary;
using System.Numerics;

namespace Eider.Devices.Ide;

/// <content>Commands that set something, and TRIM.</content>
internal sealed partial class AtaDisk
{
    private const int TrimRangeBytes = 8;

    private void SetFeatures(AtaFeature feature)
    {
        switch (feature)
        {
            case AtaFeature.EnableWriteCache:
                Disk.HasWriteCache = true;
                Finish();
                break;
            case AtaFeature.DisableWriteCache:
                Disk.HasWriteCache = false;
                Flush();
                break;
            case AtaFeature.SetTransferMode when Disk.Mode.TrySet(State.SectorCount.Current, out var mode):
                Disk.Mode = mode;
                Finish();
                break;
            case AtaFeature.EnableLookAhead or AtaFeature.DisableLookAhead:
                Disk.HasLookAhead = feature == AtaFeature.EnableLookAhead;
                Finish();
                break;
            case AtaFeature.KeepSettings or AtaFeature.RevertSettings:
                Disk.KeepsSettings = feature == AtaFeature.KeepSettings;
                Finish();
                break;
            case AtaFeature.EnableAdvancedPower or AtaFeature.DisableAdvancedPower
                or AtaFeature.EnableAcoustic or AtaFeature.DisableAcoustic:
                Finish();
                break;
            default:
                Fail(IdeError.Aborted);
                break;
        }
    }

    private void SetMultipleMode()
    {
        var sectors = State.SectorCount.Current;
        if (sectors > IdeLimits.MaxMultipleSectors || (sectors != 0 && !BitOperations.IsPow2(sectors)))
        {
            Fail(IdeError.Aborted);
            return;
        }

        Disk.MultipleSectors = sectors;
        Finish();
    }

    private void InitializeDeviceParameters()
    {
        if (State.SectorCount.Current == 0)
        {
            Fail(IdeError.Aborted);
            return;
        }

        Disk.Heads = (int)(State.Device & IdeDeviceBits.Head) + 1;
        Disk.SectorsPerTrack = State.SectorCount.Current;
        Finish();
    }

    private void Seek()
    {
        UseAddressing(isExt: false);
        if (TryGetAddress(out var lba) && lba < Sectors)
        {
            Finish();
        }
        else
        {
            Fail(IdeError.IdNotFound);
        }
    }

    // The 28-bit command tells as much as it can.
    private void ReadNativeMax(bool isExt)
    {
        UseAddressing(isExt);
        ShowAddress(isExt ? NativeSectors - 1 : Math.Min(NativeSectors - 1, IdeLimits.Lba28Sectors - 1));
        Disk.MaySetMax = true;
        Finish();
    }

    // Directly after READ NATIVE MAX ADDRESS, until power-off, and without the passwords of the security extension.
    private void SetMax(bool isExt, bool maySetMax)
    {
        const int NonVolatile = 1;
        UseAddressing(isExt);
        if (!maySetMax || State.Features.Current != 0 || (State.SectorCount.Current & NonVolatile) != 0)
        {
            Fail(IdeError.Aborted);
        }
        else if (!TryGetAddress(out var lba) || lba >= NativeSectors)
        {
            Fail(IdeError.IdNotFound);
        }
        else
        {
            Disk.MaxSectors = lba == NativeSectors - 1 ? 0 : lba + 1;
            Finish();
        }
    }

    private void UseAddressing(bool isExt)
    {
        var is28 = (State.Device & IdeDeviceBits.Lba) != 0;
        Disk.Transfer = new AtaTransfer(isExt ? AtaAddressing.Lba48 : is28 ? AtaAddressing.Lba28 : AtaAddressing.Chs);
    }

    private void BeginTrim()
    {
        const int Trim = 1;
        // The high byte of the count is 0 by word 105; a driver that knows 28-bit commands only leaves an old value there.
        var blocks = State.SectorCount.Current;
        if ((State.Features.Current & Trim) == 0 || !CanTrim || blocks == 0)
        {
            Fail(IdeError.Aborted);
            return;
        }

        Disk.Transfer = new AtaTransfer(AtaAddressing.Lba48, IsWrite: true, IsDma: true);
        Disk.TrimBlocks = blocks;
        Disk.TrimIndex = 0;
        AwaitDma();
    }

    // All ranges are looked at before the first one is dropped (ACS-2).
    private void ReadTrimList()
    {
        var ranges = Disk.TrimBlocks * IdeLimits.SectorBytes / TrimRangeBytes;
        for (var i = 0; i < ranges; i++)
        {
            var (lba, count) = TrimRange(i);
            if (count != 0 && (lba > Sectors || count > Sectors - lba))
            {
                Channel.DmaEnded(); // all of the list came
                Fail(IdeError.Aborted);
                return;
            }
        }

        NextTrim();
    }

    private void NextTrim()
    {
        var ranges = Disk.TrimBlocks * IdeLimits.SectorBytes / TrimRangeBytes;
        while (Disk.TrimIndex < ranges)
        {
            var (lba, count) = TrimRange(Disk.TrimIndex++);
            if (count != 0)
            {
                Begin(new IdeJob
                {
                    Kind = IdeJobKind.Discard,
                    Storage = Settings.Storage,
                    OffsetBytes = lba * IdeLimits.SectorBytes,
                    LengthBytes = count * IdeLimits.SectorBytes,
                });
                return;
            }
        }

        EndCommand();
    }

    private void Trimmed(in IdeJobResult result)
    {
        // A hint that the storage does not take is no error.
        if (result.Outcome is IdeJobOutcome.Done or IdeJobOutcome.Unsupported)
        {
            NextTrim();
        }
        else
        {
            FailAt(TrimRange(Disk.TrimIndex - 1).Lba, result.Outcome);
        }
    }

    private (long Lba, int Count) TrimRange(int index)
    {
        var range = BinaryPrimitives.ReadUInt64LittleEndian(Buffer.AsSpan(index * TrimRangeBytes));
        return ((long)(range & 0xFFFF_FFFF_FFFF), (int)(range >> 48));
    }
}
