/* A disk by the bus master. */
#include "ide.h"

static u8 mine[8 * SECTOR] __attribute__((aligned(4096)));

static u32 at(const void *p)
{
    return (u32)(u64)p;
}

static void try_transfers(const struct channel *c)
{
    const struct region whole[] = { { at(memory), 3 * SECTOR } };
    const struct region parts[] = { { at(memory + 4096), 514 }, { at(memory + 8192), 1534 }, { at(memory), 2048 } };
    const struct region out[] = { { at(mine), 1024 }, { at(mine + 1024), 3072 } };
    u32 i;

    fill(memory, 4 * SECTOR, 0xee);
    master_prepare(c, whole, 1);
    command28(c, 0, 0xc8, 40, 3);
    check(is_silent(c), "READ DMA waits for the bus master");
    master_start(c, TO_MEMORY);
    check((master_wait(c) & (ACTIVE | MASTER_ERROR | INTERRUPT)) == INTERRUPT, "regions as long as the transfer end it with INTERRUPT alone");
    check(rings(c) && is_pattern(memory, 40, 3) && memory[3 * SECTOR] == 0xee, "its sectors are in memory, and nothing behind them is touched");

    master_prepare(c, parts, 3);
    master_start(c, TO_MEMORY);
    command48(c, 0, 0x25, 50, 8, 0);
    master_wait(c);
    for (i = 0; i < 1534; i++)
        memory[4096 + 514 + i] = memory[8192 + i];
    for (i = 0; i < 2048; i++)
        memory[4096 + 2048 + i] = memory[i];
    check(rings(c) && is_pattern(memory + 4096, 50, 8), "READ DMA EXT fills regions of any length, START before the command, too");

    for (i = 0; i < sizeof mine; i++)
        mine[i] = (u8)(i * 3);
    master_prepare(c, out, 2);
    command28(c, 0, 0xca, 700, 8);
    master_start(c, 0);
    check((master_wait(c) & (ACTIVE | MASTER_ERROR | INTERRUPT)) == INTERRUPT && rings(c), "WRITE DMA ends the same way");
    command28(c, 0, 0x20, 700, 8);
    check(take_blocks(c, memory, SECTOR, 8 * SECTOR) == 8 && is_same(memory, mine, 8 * SECTOR), "and the disk has the sectors");
    is_silent(c);
}

static void try_lengths(const struct channel *c)
{
    const struct region little[] = { { at(memory), 3 * SECTOR } }, much[] = { { at(memory), 6 * SECTOR } };

    master_prepare(c, little, 1);
    command28(c, 0, 0xc8, 40, 4);
    master_start(c, TO_MEMORY);
    check((master_wait(c) & (ACTIVE | INTERRUPT)) == 0 && is_silent(c), "regions that are too short leave neither ACTIVE nor INTERRUPT");
    master_prepare(c, much, 1);
    command28(c, 0, 0xc8, 40, 4);
    master_start(c, TO_MEMORY);
    check((master_wait(c) & (ACTIVE | INTERRUPT)) == (ACTIVE | INTERRUPT) && rings(c), "regions that are too long leave both");
    check(!(get8(c->bus_master + 2) & ACTIVE), "until START is cleared");
}

static void try_stops(const struct channel *c)
{
    const struct region somewhere[] = { { at(memory), 64 * SECTOR } };
    u32 round, silent = 0;

    for (round = 0; round < 20; round++) {
        master_prepare(c, somewhere, 1);
        command28(c, 0, 0xc8, 0, 64);
        master_start(c, TO_MEMORY);
        soft_reset(c);
        put8(c->bus_master, 0);
        fill(memory, sizeof memory, 0xdd);
        put8(c->bus_master + 2, INTERRUPT);
        in(c, STATUS);
        wire_complete(wire_claim());
        command28(c, 0, 0xe5, 0, 0);            /* the next command is not touched by the old one */
        silent += rings(c) && memory[0] == 0xdd && memory[sizeof memory - 1] == 0xdd && in(c, COUNT) == 0xff;
    }
    check(silent == 20, "SRST during a transfer leaves no late data and no late interrupt");
}

static void try_trim(const struct channel *c)
{
    const struct region list[] = { { at(mine), SECTOR } };
    u64 *ranges = (u64 *)mine;
    u32 i, zeroes = 1;

    fill(mine, SECTOR, 0);
    ranges[0] = 800 | 4ul << 48;
    ranges[1] = 900 | 1ul << 48;
    master_prepare(c, list, 1);
    command48(c, 0, 0x06, 0, 1, 1);
    master_start(c, 0);
    check(master_wait(c) & INTERRUPT && rings(c) && !(alternate(c) & FAILED), "DATA SET MANAGEMENT takes a list of ranges");
    command28(c, 0, 0x20, 799, 6);
    check(take_blocks(c, memory, SECTOR, 6 * SECTOR) == 6, "what was trimmed can be read");
    for (i = SECTOR; i < 5 * SECTOR; i++)
        zeroes &= memory[i] == 0;
    check(zeroes && is_pattern(memory, 799, 1) && is_pattern(memory + 5 * SECTOR, 804, 1), "as zeroes, and its neighbours are as they were");
    ranges[0] = (u64)DISK_SECTORS | 1ul << 48;
    master_prepare(c, list, 1);
    command48(c, 0, 0x06, 0, 1, 1);
    master_start(c, 0);
    master_wait(c);
    check(settle(c) & FAILED && in(c, ERROR) == ABORTED, "a range behind the end aborts");
    is_silent(c);
}

static void try_bad_sector(const struct channel *c)
{
    const struct region regions[] = { { at(memory), 8 * SECTOR } };

    master_prepare(c, regions, 1);
    command28(c, 0, 0xc8, BAD_SECTOR - 3, 8);
    master_start(c, TO_MEMORY);
    check(settle(c) & FAILED && in(c, ERROR) == UNCORRECTABLE && address28(c) == BAD_SECTOR && is_pattern(memory, BAD_SECTOR - 3, 3),
        "a bad sector is named by DMA, too, after those before it");
    put8(c->bus_master, 0);
    is_silent(c);
}

void try_dma(const struct channel *c)
{
    wire_on(c->source);
    try_transfers(c);
    try_lengths(c);
    try_stops(c);
    try_trim(c);
    try_bad_sector(c);
}
