/* ducky's Block IO as a program drives it: blocks by DMA into a page of its own, and word by word through the port. */
#include "devmem.h"

enum { STATUS, SID, BLOCK, COUNT, ADDR, DATA };
enum { RDY = 0x01, ERR = 0x02, READ = 0x04, WRITE = 0x08, BUSY = 0x10, DMA = 0x20, SRST = 0x40 };
enum { BLOCK_BYTES = 1024, BLOCK_WORDS = BLOCK_BYTES / 4, BLOCKS = 8, STORAGE = 1, NOBODY = 99 };
enum { TABLE = 0x100, TABLE_MAGIC = 0x4D5E6F70 };

static volatile u32 *bio;
static struct page data;

static u32 get(u32 reg)
{
    u32 value = bio[reg];

    __asm__ volatile("fence iorw, iorw" ::: "memory");
    return value;
}

static void put(u32 reg, u32 value)
{
    __asm__ volatile("fence iorw, iorw" ::: "memory");
    bio[reg] = value;
    __asm__ volatile("fence iorw, iorw" ::: "memory");
}

static void found(u64 address)
{
    bio = (volatile u32 *)registers(address);
}

/* What the test put there. */
static u8 storage_byte(u32 index)
{
    return (u8)(index * 13 + index / BLOCK_BYTES);
}

static u32 storage_word(u32 index)
{
    return (u32)storage_byte(index) | (u32)storage_byte(index + 1) << 8 | (u32)storage_byte(index + 2) << 16 | (u32)storage_byte(index + 3) << 24;
}

/* Gives the status after the command. */
static u32 command(u32 sid, u32 block, u32 count, u32 flags)
{
    put(SID, sid);
    put(BLOCK, block);
    put(COUNT, count);
    put(ADDR, (u32)data.address);
    put(STATUS, flags);
    return get(STATUS);
}

static void reset(void)
{
    put(STATUS, SRST);
    check(get(STATUS) == RDY, "bio: a reset leaves it ready");
}

static int holds(u32 block, u32 count)
{
    u32 i;

    for (i = 0; i < count * BLOCK_BYTES; i++)
        if (data.memory[i] != storage_byte(block * BLOCK_BYTES + i))
            return 0;
    return 1;
}

static void fill(u32 block)
{
    u32 i;

    for (i = 0; i < BLOCK_BYTES; i++)
        data.memory[i] = storage_byte(block * BLOCK_BYTES + i);
}

static void try_dma(void)
{
    reset();
    check(command(STORAGE, 2, 3, READ | DMA) == RDY && holds(2, 3), "bio: three blocks come by DMA before the command returns");
    fill(7);
    check(command(STORAGE, 1, 1, WRITE | DMA) == RDY, "bio: a block is written by DMA");
    data.memory[0] ^= 0xFF;
    check(command(STORAGE, 1, 1, READ | DMA) == RDY && holds(7, 1), "bio: and read back");
    fill(1);
    check(command(STORAGE, 1, 1, WRITE | DMA) == RDY, "bio: and put right again");
}

static void try_port(void)
{
    u32 i;
    int right = 1;

    reset();
    check(command(STORAGE, 4, 1, READ) == RDY, "bio: a block is fetched for the port");
    for (i = 0; i < BLOCK_WORDS; i++)
        right &= get(DATA) == storage_word(4 * BLOCK_BYTES + 4 * i);
    check(right && get(STATUS) == RDY, "bio: and read word by word");
    check(get(DATA) == ~0u && get(STATUS) & ERR, "bio: a word too many is an error");

    reset();
    check(command(STORAGE, 5, 1, WRITE) & BUSY, "bio: it waits for the words of a block");
    for (i = 0; i < BLOCK_WORDS; i++)
        put(DATA, ~storage_word(5 * BLOCK_BYTES + 4 * i));
    check(get(STATUS) == RDY, "bio: the last one commits them");
    command(STORAGE, 5, 1, READ | DMA);
    for (i = 0, right = 1; i < BLOCK_BYTES; i++)
        right &= data.memory[i] == 0xFF - storage_byte(5 * BLOCK_BYTES + i);
    check(right, "bio: as they were given");
    fill(5);
    check(command(STORAGE, 5, 1, WRITE | DMA) == RDY, "bio: the block is as it was");
}

static void try_errors(void)
{
    reset();
    check(command(NOBODY, 0, 1, READ | DMA) & ERR, "bio: a storage that is not there is an error");
    reset();
    check(command(STORAGE, BLOCKS, 1, READ | DMA) == ERR, "bio: so is a block past the end");
    reset();
    put(SID, STORAGE);
    put(BLOCK, 0);
    put(COUNT, 1);
    put(ADDR, 0x8400);
    put(STATUS, READ | DMA);
    check(get(STATUS) == ERR, "bio: so is a buffer that is not RAM");
    check(command(STORAGE, 2, 1, READ | DMA) == (RDY | ERR) && holds(2, 1), "bio: which stays, while the next command succeeds");
    reset();
}

void try_bio(void)
{
    fdt_each(device_tree(), "ducky,bio", found);
    check(bio != 0, "the device tree names a BIO");
    if (!bio)
        return;
    check(*(volatile u32 *)registers(TABLE) == TABLE_MAGIC, "bio: the hardware table stands in its page");
    data = take_page();
    try_dma();
    try_port();
    try_errors();
}
