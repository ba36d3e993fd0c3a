namespace Eider.Devices.Ide;

/// <content>SMART and the general purpose logs.</content>
internal sealed partial class AtaDisk
{
    private void RunSmart()
    {
        if (State.LbaMid.Current != AtaSmart.KeyMid || State.LbaHigh.Current != AtaSmart.KeyHigh
            || (!Smart.IsEnabled && State.Features.Current != (byte)AtaSmartCommand.Enable))
        {
            Fail(IdeError.Aborted);
            return;
        }

        switch ((AtaSmartCommand)State.Features.Current)
        {
            case AtaSmartCommand.ReadData:
                Smart.WriteData(Buffer.AsSpan(0, AtaSmart.PageBytes));
                OfferBlock(0, AtaSmart.PageBytes, IdeTransferEnd.TransferStop);
                break;
            case AtaSmartCommand.ReadThresholds:
                AtaSmart.WriteThresholds(Buffer.AsSpan(0, AtaSmart.PageBytes));
                OfferBlock(0, AtaSmart.PageBytes, IdeTransferEnd.TransferStop);
                break;
            case AtaSmartCommand.AutoSave when State.SectorCount.Current is 0x00 or 0xF1:
                Smart.IsAutoSaving = State.SectorCount.Current != 0;
                Finish();
                break;
            case AtaSmartCommand.ExecuteOffline when Smart.TryExecute(State.LbaLow.Current):
                Finish();
                break;
            case AtaSmartCommand.ReadLog:
                ReadSmartLog();
                break;
            case AtaSmartCommand.Enable or AtaSmartCommand.Disable:
                Smart.IsEnabled = State.Features.Current == (byte)AtaSmartCommand.Enable;
                Finish();
                break;
            case AtaSmartCommand.ReturnStatus:
                Finish(); // LBA Mid and High stay 4F and C2: no threshold is exceeded
                break;
            default:
                Fail(IdeError.Aborted);
                break;
        }
    }

    private void ReadSmartLog()
    {
        var pages = AtaSmart.LogPages(State.LbaLow.Current);
        if (pages == 0 || State.SectorCount.Current != pages)
        {
            Fail(IdeError.Aborted);
            return;
        }

        Smart.WriteLog(State.LbaLow.Current, Buffer.AsSpan(0, AtaSmart.PageBytes));
        OfferBlock(0, AtaSmart.PageBytes, IdeTransferEnd.TransferStop);
    }

    private void ReadLog(bool isDma)
    {
        var address = State.LbaLow.Current;
        var firstPage = State.LbaMid.Both;
        var count = State.SectorCount.Both;
        if (count == 0 || firstPage + count > AtaLogs.PageCount(address))
        {
            Fail(IdeError.Aborted);
            return;
        }

        var bytes = count * AtaLogs.PageBytes;
        for (var page = 0; page < count; page++)
        {
            AtaLogs.WritePage(Buffer.AsSpan(page * AtaLogs.PageBytes, AtaLogs.PageBytes), address, firstPage + page, this);
        }

        if (isDma)
        {
            Disk.ReplyBytes = bytes;
            AwaitDma();
            return;
        }

        // One page for each block, as sectors are read.
        Disk.Transfer = new AtaTransfer(AtaAddressing.Lba48);
        State.Lba = 0;
        State.BlocksLeft = count;
        State.BufferedBytes = bytes;
        State.DataEnd = 0;
        SectorRead();
    }
}
