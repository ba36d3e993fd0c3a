namespace Eider.Machines.Kernels;

/// <summary>What a kernel file turned out to be.</summary>
public enum KernelFormat
{
    /// <summary>Linux's flat Image for RISC-V (Documentation/arch/riscv/boot-image-header.rst).</summary>
    FlatImage,

    /// <summary>A 64-bit RISC-V ELF program: a bare-metal program or a <c>vmlinux</c>.</summary>
    Elf,

    /// <summary>A boot image of ducky.</summary>
    BootImage,
}
