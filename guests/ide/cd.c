/* A CD drive: PACKET by data port and, where there is one, by the bus master (ATA/ATAPI-6, section 9.8; MMC-3). */
#include "ide.h"

enum { FOR_COMMAND = 1, TO_HOST = 2 };                  /* interrupt reason, in the count register */

static u8 packet[12];

static void select(const struct channel *c, u32 unit)
{
    out(c, DRIVE, 0xa0 | unit << 4);
}

static void put_long(u32 place, u32 value)
{
    packet[place] = (u8)(value >> 24);
    packet[place + 1] = (u8)(value >> 16);
    packet[place + 2] = (u8)(value >> 8);
    packet[place + 3] = (u8)value;
}

/* Sends what stands in the packet, and clears it; gives Alternate Status when the drive waits again, or has ended. */
static u8 send(const struct channel *c, u32 unit, u32 limit, u32 features)
{
    select(c, unit);
    out(c, FEATURES, features);
    out(c, MID, limit);
    out(c, HIGH, limit >> 8);
    out(c, COMMAND_REGISTER, 0xa0);
    if (!(settle(c) & DATA_REQUEST) || in(c, COUNT) != FOR_COMMAND)
        return 0xff;
    give(c, packet, sizeof packet);
    fill(packet, sizeof packet, 0);
    return features ? alternate(c) : settle(c);
}

static u8 send_simple(const struct channel *c, u32 unit, u8 opcode, u8 fourth)
{
    packet[0] = opcode;
    packet[4] = fourth;
    return send(c, unit, 0xfffe, 0);
}

static u8 send_read(const struct channel *c, u32 unit, u32 block, u32 count, u32 limit, u32 features)
{
    packet[0] = 0x28;
    put_long(2, block);
    packet[8] = (u8)count;
    return send(c, unit, limit, features);
}

/* Takes as much as the drive offers at a time; gives how many times. */
static u32 take_reply(const struct channel *c, u8 *to)
{
    u32 phases;

    for (phases = 0; (settle(c) & DATA_REQUEST) && in(c, COUNT) == TO_HOST; phases++) {
        u32 bytes = in(c, MID) | in(c, HIGH) << 8;

        take(c, to, bytes);
        to += bytes;
    }
    return phases;
}

static int has_sense(const struct channel *c, u32 unit, u8 key, u8 code, u8 qualifier)
{
    send_simple(c, unit, 0x03, 18);
    take_reply(c, memory);
    return (memory[2] & 15) == key && memory[12] == code && memory[13] == qualifier;
}

static int fails(const struct channel *c, u32 unit, u8 status, u8 key, u8 code, u8 qualifier)
{
    return status & FAILED && in(c, ERROR) >> 4 == key && has_sense(c, unit, key, code, qualifier);
}

static void try_identity(const struct channel *c, u32 unit)
{
    u16 *words = (u16 *)memory;

    soft_reset(c);
    select(c, unit);
    check(in(c, MID) == 0x14 && in(c, HIGH) == 0xeb, "a drive shows the signature of a packet device");
    command28(c, unit, 0xec, 0, 0);
    check(settle(c) & FAILED && in(c, ERROR) == ABORTED && in(c, MID) == 0x14, "IDENTIFY DEVICE aborts and leaves it");
    select(c, unit);
    out(c, COMMAND_REGISTER, 0xa1);
    check(settle(c) & DATA_REQUEST, "IDENTIFY PACKET DEVICE offers its data");
    take(c, words, SECTOR);
    check((words[0] & 0xdf03) == 0x8500, "a CD drive with packets of 12 bytes");
    is_silent(c);
}

static void try_reads(const struct channel *c, u32 unit)
{
    check(!(send_simple(c, unit, 0x00, 0) & FAILED), "TEST UNIT READY ends well");
    packet[0] = 0x25;
    send(c, unit, 8, 0);
    check(take_reply(c, memory) == 1 && memory[3] == DISC_BLOCKS - 1 && memory[6] == 8, "READ CAPACITY names the last block and 2048 bytes");
    send_read(c, unit, 7, 3, BLOCK, 0);
    check(take_reply(c, memory) == 3 && is_pattern(memory, 28, 12), "READ (10) comes a block at a time, as the byte count limit wants");
    send_read(c, unit, 9, 2, 1000, 0);
    check(take_reply(c, memory) == 5 && is_pattern(memory, 36, 8), "or in parts of blocks");
    check(rings(c) && in(c, COUNT) == (FOR_COMMAND | TO_HOST), "and ends with an interrupt and its reason");
    check(fails(c, unit, send_read(c, unit, DISC_BLOCKS - 1, 2, BLOCK, 0), 5, 0x21, 0), "blocks behind the end are an illegal request");
    packet[0] = 0x77;
    check(fails(c, unit, send(c, unit, BLOCK, 0), 5, 0x20, 0), "so is an unknown command");
    check(has_sense(c, unit, 0, 0, 0), "sense data are told once");
    send_read(c, unit, 7, 3, BLOCK, 0);
    out(c, COMMAND_REGISTER, 0x08);
    check(!(settle(c) & (DATA_REQUEST | FAILED)) && in(c, MID) == 0x14, "DEVICE RESET ends a command that offers data");
    is_silent(c);
}

static void try_dma_read(const struct channel *c, u32 unit)
{
    const struct region regions[] = { { (u32)(u64)memory, 8 * BLOCK } };

    fill(memory, sizeof memory, 0);
    master_prepare(c, regions, 1);
    send_read(c, unit, 20, 8, 0, 1);
    master_start(c, TO_MEMORY);
    check((master_wait(c) & (ACTIVE | MASTER_ERROR | INTERRUPT)) == INTERRUPT && rings(c), "a packet moves its data by the bus master with one interrupt");
    check(is_pattern(memory, 80, 32), "and they are the blocks");
}

static void try_tray(const struct channel *c, u32 unit)
{
    send_simple(c, unit, 0x1e, 1);
    check(fails(c, unit, send_simple(c, unit, 0x1b, 2), 5, 0x53, 2), "a tray that is locked stays closed");
    send_simple(c, unit, 0x1e, 0);
    check(!(send_simple(c, unit, 0x1b, 2) & FAILED), "without the lock it opens");
    check(fails(c, unit, send_simple(c, unit, 0x00, 0), 2, 0x3a, 2), "there is no medium in an open tray");
    check(!(send_simple(c, unit, 0x1b, 3) & FAILED), "it closes");
    check(fails(c, unit, send_simple(c, unit, 0x00, 0), 6, 0x28, 0), "the medium may be another one: that is told once");
    check(!(send_simple(c, unit, 0x00, 0) & FAILED), "then the drive is ready");
    is_silent(c);
}

void try_cd(const struct channel *c, u32 unit)
{
    wire_on(c->source);
    try_identity(c, unit);
    try_reads(c, unit);
    if (c->bus_master)
        try_dma_read(c, unit);
    try_tray(c, unit);
}
