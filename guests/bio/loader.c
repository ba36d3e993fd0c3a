/* Ducky's loader for this machine: finds the boot storage in the hardware table, loads the boot image from it and jumps there. */
#include "bio.h"

static struct table table;
static u64 tree_table, tree_bio;
static u32 tree_bios;

static void found_table(u64 address)
{
    tree_table = address;
}

static void found_bio(u64 address)
{
    if (!tree_bios++)
        tree_bio = address;
}

static void read_table(const void *fdt)
{
    const struct storage *boot;

    check(table_read(&table) == 0, "the hardware table is in order");
    check(table.memory == 16 << 20 && table.harts == 1, "it tells RAM and harts");
    check(table.arguments == 2 && table.boot_argument == 48, "it tells the arguments");
    boot = table_storage(&table, 0);
    check(boot && boot->flags == 1 && boot->block_size == BLOCK_SIZE, "it tells the boot storage, which is read-only");
    check(table.bio_count == 2 && table.bios[0].storages == 2, "it tells of two BIOs and how many storages the first one has");
    fdt_each(fdt, "ducky,hdt", found_table);
    fdt_each(fdt, "ducky,bio", found_bio);
    check(tree_table == HDT && tree_bios == 2 && tree_bio == table.bios[0].base, "the device tree names the same places");
}

/* What ducky's own tests look at: STATUS after each step. */
static void try_traces(u64 base, void *buffer)
{
    check(bio_reset(base) == RDY, "after a reset it is ready");
    put32(base + SID, 8);
    check(get32(base + STATUS) == ERR, "an unknown storage is an error");
    check(bio_reset(base) == RDY && bio_setup(base, 0, 0xff, 1, buffer) == RDY, "a known one is none");
    put32(base + STATUS, DMA | READ);
    check(get32(base + STATUS) == ERR, "a block past the end is, told by the next instruction");
    bio_reset(base);
    bio_setup(base, 0, 0, 1, (void *)0x8400);
    put32(base + STATUS, DMA | READ);
    check(get32(base + STATUS) == ERR, "so is a buffer that is no RAM");
}

void demo(u64 hart, const void *fdt)
{
    u64 base;
    u32 count;

    read_table(fdt);
    if (!table.bio_count)
        finish("bio");
    base = table.bios[0].base;
    try_traces(base, (void *)OS_BASE);
    check(bio_dma(base, READ, 0, 0, 1, (void *)OS_BASE) == 0, "the header of the boot image is there");
    count = *(volatile u32 *)OS_BASE;
    check(count >= 2 && (u64)count * BLOCK_SIZE == table_storage(&table, 0)->size, "its first word is the number of blocks");
    check(bio_dma(base, READ, 0, 1, count - 1, (void *)OS_BASE) == 0, "the program is loaded");
    __asm__ volatile("fence.i" ::: "memory");
    ((void (*)(u64, const void *))OS_BASE)(hart, fdt);
}
