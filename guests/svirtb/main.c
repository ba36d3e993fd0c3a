/* A guest without an operating system that drives Simple VirtIO Block as KeOS does, and shows that another hart runs meanwhile. */
#include "../pci/pci.h"
#include "keos.h"

enum { RING_ENTRIES = 4096, SLOW_SECTORS = 8, TICKS = 30000 };

volatile u64 ticks;                 /* counted by the other hart, if there is one */

static volatile struct entry ring[RING_ENTRIES] __attribute__((aligned(4096)));
static volatile u8 data[DATA_SECTORS * SECTOR];
static struct svirtb disk = { .ring = ring, .ring_size = RING_ENTRIES, .data = data };

static void found(u64 address)
{
    disk.registers = (volatile u32 *)address;
}

static int other_hart_runs(void)
{
    u64 before = ticks;
    long patience;

    for (patience = 100000; patience && ticks == before; patience--)
        ;
    return ticks != before;
}

/* The test puts a delay before each sector: 40 ms in all, while a turn of a hart counts to 5000. */
static void try_harts(void)
{
    u64 before, after;

    keos_start(&disk);
    before = ticks;
    check(keos_read(&disk, 0, SLOW_SECTORS) == 0, "a doorbell returns when all is done");
    after = ticks;
    check(after - before > TICKS, "another hart ran while this one waited");
    keos_finish(&disk);
}

void demo(u64 hart, const void *fdt)
{
    (void)hart;
    disk.ring_address = (u64)ring;
    disk.data_address = (u64)data;
    fdt_each(fdt, "keos,svirtb", found);
    check(disk.registers == (volatile u32 *)0xCAFE0000, "the device tree names the device where its document puts it");
    if (disk.registers) {
        grade_single(&disk);
        grade_batch(&disk);
        grade_single(&disk);
        grade_errors(&disk);
        if (other_hart_runs())
            try_harts();
    }
    finish("svirtb");
}
