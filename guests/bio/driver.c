/* A driver of BIO as ducky's loader and FORTH have one: each command begins with a reset, and ends ready or with an error. */
#include "bio.h"

u32 bio_reset(u64 base)
{
    put32(base + STATUS, SRST);
    return get32(base + STATUS);
}

u32 bio_setup(u64 base, u32 sid, u32 block, u32 count, const void *buffer)
{
    put32(base + SID, sid);
    put32(base + BLOCK, block);
    put32(base + COUNT, count);
    put32(base + ADDR, (u32)(u64)buffer);
    return get32(base + STATUS);
}

u32 bio_submit(u64 base, u32 command)
{
    u32 status;

    put32(base + STATUS, command);
    do
        status = get32(base + STATUS);
    while (!(status & (RDY | ERR)) || status & BUSY);
    return status;
}

int bio_dma(u64 base, u32 command, u32 sid, u32 block, u32 count, void *buffer)
{
    if (bio_reset(base) != RDY || bio_setup(base, sid, block, count, buffer) & ERR)
        return -1;
    return bio_submit(base, DMA | command) & ERR ? -1 : 0;
}

int bio_port_read(u64 base, u32 sid, u32 block, u32 count, u32 *words)
{
    u32 left;

    if (bio_reset(base) != RDY || bio_setup(base, sid, block, count, 0) & ERR || bio_submit(base, READ) & ERR)
        return -1;
    for (left = count * (BLOCK_SIZE / 4); left; left--)
        *words++ = get32(base + DATA);
    return get32(base + STATUS) & ERR ? -1 : 0;
}

int bio_port_write(u64 base, u32 sid, u32 block, u32 count, const u32 *words)
{
    u32 left;

    if (bio_reset(base) != RDY || bio_setup(base, sid, block, count, 0) & ERR)
        return -1;
    put32(base + STATUS, WRITE);
    for (left = count * (BLOCK_SIZE / 4); left; left--) {
        if (get32(base + STATUS) != BUSY)
            return -1;
        put32(base + DATA, *words++);
    }
    return bio_submit(base, 0) & ERR ? -1 : 0;
}
