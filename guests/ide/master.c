/* The bus master of one channel (SFF-8038i, chapters 2 and 3). */
#include "ide.h"

static struct { u32 address; u16 bytes, flags; } table[8] __attribute__((aligned(64)));

void master_prepare(const struct channel *c, const struct region *regions, u32 count)
{
    u32 i;

    for (i = 0; i < count; i++) {
        table[i].address = regions[i].address;
        table[i].bytes = (u16)regions[i].bytes;
        table[i].flags = i + 1 == count ? 0x8000 : 0;
    }
    put8(c->bus_master, 0);
    put8(c->bus_master + 2, 0x60 | MASTER_ERROR | INTERRUPT);
    put32(c->bus_master + 4, (u32)(u64)table);
}

void master_start(const struct channel *c, u32 direction)
{
    put8(c->bus_master, (u8)direction);
    put8(c->bus_master, (u8)(direction | START));
}

u8 master_wait(const struct channel *c)
{
    long patience;
    u8 status = 0;

    for (patience = PATIENCE; patience; patience--) {
        status = get8(c->bus_master + 2);
        if (status & INTERRUPT || !(status & ACTIVE))
            break;
    }
    put8(c->bus_master, 0);
    return status;
}
