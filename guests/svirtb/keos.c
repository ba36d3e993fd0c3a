/* The driver: sequence of section 3 with its read-backs, one entry a sector, a kick that looks at head, tail and status. */
#include "keos.h"

static void fence(void)
{
    __asm__ volatile("fence iorw, iorw" ::: "memory");
}

u32 keos_get(const struct svirtb *d, u32 reg)
{
    u32 value = d->registers[reg];

    fence();
    return value;
}

void keos_put(const struct svirtb *d, u32 reg, u32 value)
{
    fence();
    d->registers[reg] = value;
    fence();
}

int keos_start(struct svirtb *d)
{
    if (keos_get(d, STATUS) != MAGIC) {
        keos_put(d, STATUS, RESET);
        return -1;
    }
    keos_put(d, STATUS, DRIVER_OK);
    if (keos_get(d, STATUS) != DRIVER_OK)
        return -1;
    keos_put(d, QUEUE_ADDR_HI, (u32)(d->ring_address >> 32));
    keos_put(d, QUEUE_ADDR_LO, (u32)d->ring_address);
    keos_put(d, QUEUE_SIZE, d->ring_size);
    keos_put(d, STATUS, READY);
    if (keos_get(d, STATUS) != READY) {
        keos_put(d, STATUS, RESET);
        return -1;
    }
    d->head = keos_get(d, QUEUE_HEAD);
    return 0;
}

static int kick(struct svirtb *d)
{
    if (keos_get(d, QUEUE_HEAD) != d->head)
        keos_put(d, QUEUE_HEAD, d->head);
    return keos_get(d, QUEUE_TAIL) == d->head && keos_get(d, QUEUE_HEAD) == d->head && keos_get(d, STATUS) == READY ? 0 : -1;
}

static int request(struct svirtb *d, u32 cmd, u64 sector, u32 count)
{
    u32 i;

    for (i = 0; i < count; i++) {
        volatile struct entry *entry = &d->ring[d->head];

        entry->addr = d->data_address + i * SECTOR;
        entry->size = SECTOR;
        entry->sector = sector + i;
        entry->cmd = cmd;
        d->head = (d->head + 1) % d->ring_size;
    }
    return kick(d);
}

int keos_read(struct svirtb *d, u64 sector, u32 count)
{
    return request(d, READ, sector, count);
}

int keos_write(struct svirtb *d, u64 sector, u32 count)
{
    return request(d, WRITE, sector, count);
}

void keos_finish(struct svirtb *d)
{
    keos_put(d, STATUS, RESET);
}
