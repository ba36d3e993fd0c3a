namespace Eider.Devices.Ide;

/// <summary>What kind of transfer a read, write or verify command is.</summary>
/// <param name="Addressing">How it addresses.</param>
/// <param name="IsWrite">True from host to disk.</param>
/// <param name="IsDma">True by the bus master, false by the data port.</param>
/// <param name="IsMultiple">True if a block of the data port has as many sectors as SET MULTIPLE MODE said.</param>
/// <param name="IsVerify">True if the host gets no data.</param>
/// <param name="IsDurable">True if it ends when the data are durable.</param>
internal readonly record struct AtaTransfer(
    AtaAddressing Addressing,
    bool IsWrite = false,
    bool IsDma = false,
    bool IsMultiple = false,
    bool IsVerify = false,
    bool IsDurable = false);
