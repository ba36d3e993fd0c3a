namespace Eider.Devices.BlockIo;

/// <summary>The end of a job.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="MovedBytes">What went to or came from the storage.</param>
/// <param name="PortBlocks">Without DMA: the blocks that lie in the port's buffer now, or that it is to be filled with next.</param>
/// <param name="PortBytes">Their length in bytes.</param>
internal readonly record struct BioJobResult(BioOutcome Outcome, long MovedBytes = 0, uint PortBlocks = 0, int PortBytes = 0);
