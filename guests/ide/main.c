/*
 * A guest without an operating system that drives disks and CD drives on a CMD646 and on a channel in memory, register by register.
 * Its board: on the CMD646 a disk on the primary channel and a drive on the secondary one; in memory, with registers at
 * distances of 4 bytes, a disk as device 0 and a drive as device 1. What the media hold stands in ide.h.
 */
#include "ide.h"

enum { IO_SPACE = 1, FIRST_PORT = 0x1000, PORT_STEP = 0x10, MEMORY_SHIFT = 2, MEMORY_CONTROL = 0x800, MEMORY_SOURCE = 14 };

static const u64 port_window = 0x03000000;
static u64 ecam, mapped;

static void found_bus(u64 address)
{
    ecam = address;
}

static void found_channel(u64 address)
{
    mapped = address;
}

static void heading(const char *text)
{
    say("-- ");
    say(text);
    say("\n");
}

static void try_cmd646(void)
{
    struct function ide;
    struct channel primary = { 0 }, secondary = { 0 };
    u32 i;

    check(function_find(&ide, ecam, 0x1095, 0x0646) == 0, "a CMD646 is on the bus");
    check(get8(ide.config + 9) == 0x8f, "in native mode, with a bus master");
    for (i = 0; i < 5; i++)
        put32(ide.config + BAR0 + 4 * i, FIRST_PORT + PORT_STEP * i);
    put16(ide.config + COMMAND, IO_SPACE | BUS_MASTER);
    primary.command = port_window + FIRST_PORT;
    primary.control = primary.command + PORT_STEP + 2;
    secondary.command = primary.command + 2 * PORT_STEP;
    secondary.control = secondary.command + PORT_STEP + 2;
    primary.bus_master = primary.command + 4 * PORT_STEP;
    secondary.bus_master = primary.bus_master + 8;
    primary.source = secondary.source = FIRST_WIRE + ide.device % 4;
    heading("CMD646, disk by its data port");
    try_disk(&primary);
    heading("CMD646, disk by the bus master");
    try_dma(&primary);
    heading("CMD646, CD drive");
    try_cd(&secondary, 0);
}

static void try_mapped(void)
{
    struct channel channel = { .command = mapped, .control = mapped + MEMORY_CONTROL, .shift = MEMORY_SHIFT, .source = MEMORY_SOURCE };

    heading("channel in memory, disk");
    try_disk(&channel);
    heading("channel in memory, CD drive as device 1");
    try_cd(&channel, 1);
}

void demo(u64 hart, const void *fdt)
{
    (void)hart;
    fdt_each(fdt, "pci-host-ecam-generic", found_bus);
    fdt_each(fdt, "ata-generic", found_channel);
    check(ecam && mapped, "the device tree names the PCI bus and a channel in memory");
    if (ecam && mapped) {
        try_cmd646();
        try_mapped();
    }
    finish("ide");
}
