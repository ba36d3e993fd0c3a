/* A disk by its data port: every channel can do that. */
#include "ide.h"

static u8 mine[24 * SECTOR];

static void try_reset(const struct channel *c)
{
    control(c, SOFT_RESET);
    check(alternate(c) & BUSY, "BSY stands while SRST is set");
    control(c, 0);
    check((settle(c) & ~SEEK_DONE) == READY, "after SRST the disk is ready");
    check(in(c, COUNT) == 1 && in(c, LOW) == 1 && in(c, MID) == 0 && in(c, HIGH) == 0 && in(c, ERROR) == 1, "and shows the signature of a disk");
    check(is_silent(c), "a reset raises no interrupt");
}

static void try_identify(const struct channel *c)
{
    u16 *words = (u16 *)memory;

    command28(c, 0, 0xec, 0, 0);
    check(settle(c) == (READY | SEEK_DONE | DATA_REQUEST), "IDENTIFY DEVICE offers its data");
    check(rings(c) && is_silent(c), "with one interrupt, which reading Status ends");
    take(c, words, SECTOR);
    check(!(settle(c) & DATA_REQUEST), "256 words are all");
    check(!(words[0] & 0x8000) && (words[49] & 0x300) == 0x300, "a disk, with LBA and DMA");
    check((words[60] | words[61] << 16) == DISK_SECTORS && words[100] == DISK_SECTORS, "of the size that it has");
    check(words[27] == ('E' << 8 | 'I'), "its model is text, first character high");
}

static void try_pio(const struct channel *c)
{
    command28(c, 0, 0x20, 5, 3);
    check(take_blocks(c, memory, SECTOR, 3 * SECTOR) == 3 && is_pattern(memory, 5, 3), "READ SECTORS gives each sector by itself");
    check(rings(c) && in(c, COUNT) == 0 && address28(c) == 8, "and leaves the address behind the last, nothing left to count");
    fill(mine, 2 * SECTOR, 0xa5);
    command28(c, 0, 0x30, 100, 2);
    check(settle(c) & DATA_REQUEST && is_silent(c), "WRITE SECTORS asks for its first block without an interrupt");
    check(give_blocks(c, mine, SECTOR, 2 * SECTOR) == 2 && !(settle(c) & (FAILED | DATA_REQUEST)) && rings(c), "and ends with one");
    command48(c, 0, 0x24, 100, 3, 0);
    check(take_blocks(c, memory, SECTOR, 3 * SECTOR) == 3 && is_same(memory, mine, 2 * SECTOR) && is_pattern(memory + 2 * SECTOR, 102, 1),
        "READ SECTORS EXT gives what was written, and what was not");
    is_silent(c);
}

static void try_multiple(const struct channel *c)
{
    u32 i;

    command28(c, 0, 0xc6, 0, 8);
    check(!(settle(c) & FAILED), "SET MULTIPLE MODE takes 8");
    command28(c, 0, 0xc6, 0, 7);
    check(settle(c) & FAILED, "and not 7");
    command28(c, 0, 0xc6, 0, 8);
    settle(c);
    command28(c, 0, 0xc4, 200, 20);
    check(take_blocks(c, memory, 8 * SECTOR, 20 * SECTOR) == 3 && is_pattern(memory, 200, 20), "READ MULTIPLE gives 8, 8 and 4 sectors");
    for (i = 0; i < sizeof mine; i++)
        mine[i] = (u8)(i * 7);
    command28(c, 0, 0xc5, 300, 20);
    check(give_blocks(c, mine, 8 * SECTOR, 20 * SECTOR) == 3 && !(settle(c) & FAILED), "WRITE MULTIPLE takes them");
    command28(c, 0, 0xc4, 300, 20);
    check(take_blocks(c, memory, 8 * SECTOR, 20 * SECTOR) == 3 && is_same(memory, mine, 20 * SECTOR), "and they are there");
    command28(c, 0, 0xe7, 0, 0);
    check(!(settle(c) & FAILED), "FLUSH CACHE ends well");
    command28(c, 0, 0xea, 0, 0);
    check(!(settle(c) & FAILED), "FLUSH CACHE EXT, too");
    is_silent(c);
}

static void try_errors(const struct channel *c)
{
    command28(c, 0, 0x20, DISK_SECTORS, 1);
    check(settle(c) & FAILED && in(c, ERROR) == ID_NOT_FOUND && address28(c) == DISK_SECTORS, "a sector behind the end is not found, and named");
    command28(c, 0, 0x20, DISK_SECTORS - 1, 2);
    check(settle(c) & FAILED && !(alternate(c) & DATA_REQUEST) && address28(c) == DISK_SECTORS, "also after one that is there");
    command28(c, 0, 0x20, BAD_SECTOR - 2, 4);
    check(take_blocks(c, memory, SECTOR, 4 * SECTOR) == 2 && is_pattern(memory, BAD_SECTOR - 2, 2), "sectors before a bad one come");
    check(settle(c) & FAILED && in(c, ERROR) == UNCORRECTABLE && address28(c) == BAD_SECTOR, "the bad one is named");
    command28(c, 0, 0xff, 0, 0);
    check(settle(c) & FAILED && in(c, ERROR) == ABORTED, "an unknown command aborts");
    check(rings(c), "errors interrupt");
    command28(c, 0, 0xa0, 0, 0);
    check(settle(c) & FAILED && in(c, ERROR) == ABORTED, "PACKET is nothing for a disk");
    is_silent(c);
}

static void try_interruption(const struct channel *c)
{
    command28(c, 0, 0x20, 5, 3);
    rings(c);
    take(c, memory, SECTOR / 2);
    soft_reset(c);
    check(alternate(c) == (READY | SEEK_DONE) && is_silent(c), "SRST in the middle of a block ends the command");
    fill(mine, SECTOR, 0x11);
    command28(c, 0, 0x30, 600, 1);
    settle(c);
    give(c, mine, SECTOR - 2);
    soft_reset(c);
    command28(c, 0, 0x20, 600, 1);
    check(take_blocks(c, memory, SECTOR, SECTOR) == 1 && is_pattern(memory, 600, 1), "a sector that did not come whole is not written");
    rings(c);
    control(c, NO_INTERRUPT);
    command28(c, 0, 0xec, 0, 0);
    check(settle(c) & DATA_REQUEST && is_silent(c), "nIEN keeps the interrupt back");
    take(c, memory, SECTOR);
    control(c, 0);
    check(rings(c), "and without it the interrupt comes");
}

void try_disk(const struct channel *c)
{
    wire_on(c->source);
    try_reset(c);
    try_identify(c);
    try_pio(c);
    try_multiple(c);
    try_errors(c);
    try_interruption(c);
}
