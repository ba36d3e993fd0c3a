/* The block words of ducky's FORTH over BIO: up to 32 blocks in buffers, written back when they were updated. Blocks count from 1. */
#include "bio.h"

enum { BUFFERS = 32, DISK = 1, SECOND = 2, PATIENCE = 50000000 };

static struct table table;
static u64 base;
static u32 owner[BUFFERS], dirty[BUFFERS], used[BUFFERS], current, clock;
static u32 failed;

/* Far behind the program: what lies in its own zeroes would make the boot image longer. */
static u8 (*const buffers)[BLOCK_SIZE] = (u8 (*)[BLOCK_SIZE])0x80200000;
static u32 *const words = (u32 *)0x80300000, *const other = (u32 *)0x80400000;

static void transfer(u32 command, u32 slot)
{
    failed += bio_dma(base, command, DISK, owner[slot] - 1, 1, buffers[slot]) != 0;
}

/* The block's buffer; without one, a free one, or else the one that was not used for longest. */
static u32 find(u32 block, int load)
{
    u32 slot, best = 0;

    for (slot = 0; slot < BUFFERS; slot++) {
        if (owner[slot] == block) {
            best = slot;
            break;
        }
        if (used[slot] < used[best])
            best = slot;
    }
    if (owner[best] != block) {
        if (dirty[best])
            transfer(WRITE, best);
        owner[best] = block;
        dirty[best] = 0;
        if (load)
            transfer(READ, best);
    }
    used[best] = ++clock;
    return current = best;
}

static u8 *block_word(u32 block)
{
    return buffers[find(block, 1)];
}

static u8 *buffer_word(u32 block)
{
    return buffers[find(block, 0)];
}

static void update_word(void)
{
    dirty[current] = 1;
}

static void save_buffers(void)
{
    u32 slot;

    for (slot = 0; slot < BUFFERS; slot++) {
        if (dirty[slot])
            transfer(WRITE, slot);
        dirty[slot] = 0;
    }
}

static void empty_buffers(void)
{
    u32 slot;

    for (slot = 0; slot < BUFFERS; slot++)
        owner[slot] = dirty[slot] = used[slot] = 0;
}

static u8 mark(u32 block, u32 place)
{
    return (u8)(block * 7 + place * 3 + (place >> 8));
}

static int is_marked(u32 block)
{
    const u8 *bytes = block_word(block);
    u32 i;

    for (i = 0; i < BLOCK_SIZE; i++)
        if (bytes[i] != mark(block, i))
            return 0;
    return 1;
}

static void try_words(u32 count)
{
    u32 block, i, right = 0;

    for (block = 1; block <= count; block++) {
        u8 *bytes = buffer_word(block);

        for (i = 0; i < BLOCK_SIZE; i++)
            bytes[i] = mark(block, i);
        update_word();
    }
    save_buffers();
    check(failed == 0, "more blocks than there are buffers are written");
    empty_buffers();
    for (block = count; block; block--)
        right += is_marked(block);
    check(failed == 0 && right == count, "and read again as they were");
    block_word(3)[5] = 0xee;
    empty_buffers();
    check(block_word(3)[5] == mark(3, 5), "a block that was not updated is not written");
    block_word(3)[5] = 0xee;
    update_word();
    save_buffers();
    empty_buffers();
    check(block_word(3)[5] == 0xee, "one that was updated is");
    block_word(count + 1);
    check(failed == 1, "a block that is not there is an error, and the driver does not hang");
    empty_buffers();
}

static int same(u32 count)
{
    u32 i;

    for (i = 0; i < count; i++)
        if (words[i] != other[i])
            return 0;
    return 1;
}

static void try_port(void)
{
    u32 i;

    check(bio_port_read(base, DISK, 0, 40, words) == 0 && bio_dma(base, READ, DISK, 0, 40, other) == 0 && same(40 * BLOCK_SIZE / 4),
          "the data port gives the words that DMA gives");
    check(get32(base + DATA) == ~0u && get32(base + STATUS) == ERR, "there are none after a command with DMA");
    for (i = 0; i < 2 * BLOCK_SIZE / 4; i++)
        words[i] = 0xabcd0000 + i;
    check(bio_port_write(base, DISK, 44, 2, words) == 0 && bio_dma(base, READ, DISK, 44, 2, other) == 0 && same(2 * BLOCK_SIZE / 4),
          "what the data port takes is written");
    check(bio_port_read(base, DISK, 44, 1, words) == 0 && words[1] == 0xabcd0001 && get32(base + DATA) == ~0u && get32(base + STATUS) == ERR,
          "past the last word there are ones and an error");
    check(bio_reset(base) == RDY && bio_setup(base, 0, 0, 1, words) == RDY && bio_submit(base, DMA | WRITE) == ERR,
          "a storage that is read-only refuses a write");
}

/* The second BIO returns from a command at once, and interrupts at its end. */
static void try_interrupt(void)
{
    const struct storage *second = table_storage(&table, SECOND);
    u64 at;
    u32 count = 0, source;
    long patience;

    check(second && second->bio == 1 && second->block_size == 512 && table.bios[1].source, "the second BIO interrupts, and has blocks of 512 bytes");
    if (!second)
        return;
    at = table.bios[second->bio].base;
    source = table.bios[second->bio].source;
    wire_on(source);
    traps_taken();
    traps_on(EXTERNAL);
    bio_reset(at);
    bio_setup(at, SECOND, 1, 2, words);
    put32(at + STATUS, DMA | READ);
    for (patience = PATIENCE; patience && !count; patience--)
        count += traps_taken();
    traps_off();
    check(count == 1 && wire_claim() == source, "the end of a command interrupts, by the source that the table tells");
    check(get32(at + STATUS) == RDY && ((u8 *)words)[0] == '1' && ((u8 *)words)[512] == '2', "and its blocks are there");
    wire_complete(source);
    check(wire_claim() == 0, "reading STATUS took the interrupt back");
}

void demo(u64 hart, const void *fdt)
{
    (void)hart;
    (void)fdt;
    say("ok: the program of the boot image runs\n");
    check(table_read(&table) == 0 && table_storage(&table, DISK), "it finds its storage in the hardware table");
    base = table.bios[0].base;
    try_words(table.boot_argument);
    try_port();
    try_interrupt();
    finish("bio");
}
