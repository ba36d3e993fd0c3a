/* KeOS's check_blockio and check_blockio_batching on a disk of 1074 bytes, and what its driver never does. */
#include "keos.h"

enum { OTHER = 77 };

u8 disk_byte(u32 index)
{
    return (u8)(index * 31 + index / SECTOR);
}

static void fill(struct svirtb *d, u32 sectors, u8 value)
{
    u32 i;

    for (i = 0; i < sectors * SECTOR; i++)
        d->data[i] = value;
}

/* The data hold these bytes of the disk, and behind its end what they held before. */
static int holds(struct svirtb *d, u32 sector, u32 count, u8 behind)
{
    u32 i, at;

    for (i = 0; i < count * SECTOR; i++) {
        at = sector * SECTOR + i;
        if (d->data[i] != (at < DISK_BYTES ? disk_byte(at) : behind))
            return 0;
    }
    return 1;
}

static int is_whole(struct svirtb *d)
{
    u32 sector;

    for (sector = 0; sector < DISK_SECTORS; sector++) {
        fill(d, 1, 0xA5);
        if (keos_read(d, sector, 1) || !holds(d, sector, 1, 0xA5))
            return 0;
    }
    return 1;
}

static void restore(struct svirtb *d, u32 sector, u32 count)
{
    u32 i;

    for (i = 0; i < count * SECTOR; i++)
        d->data[i] = disk_byte(sector * SECTOR + i);
    check(keos_write(d, sector, count) == 0 && is_whole(d), "the disk is as it was");
}

void grade_single(struct svirtb *d)
{
    u32 i;
    int right = 1;

    check(keos_start(d) == 0, "single: the device starts");
    check(is_whole(d), "each sector is read, the last one as far as it goes");
    fill(d, 1, OTHER);
    check(keos_write(d, 1, 1) == 0, "a sector is written");
    fill(d, 1, 0);
    check(keos_read(d, 1, 1) == 0, "and read back");
    for (i = 0; i < SECTOR; i++)
        right &= d->data[i] == OTHER;
    check(right, "as it was written");
    check(keos_read(d, 0, 1) == 0 && holds(d, 0, 1, 0), "the one before it did not change");
    fill(d, 1, 0);
    check(keos_read(d, 2, 1) == 0 && holds(d, 2, 1, 0), "nor the one behind it");
    restore(d, 1, 1);
    keos_finish(d);
    check(keos_get(d, STATUS) == MAGIC && keos_get(d, QUEUE_HEAD) == 0 && keos_get(d, QUEUE_TAIL) == 0, "a reset brings the magic back");
}

/* Bytes that no read changes are behind the end. */
static u32 probe(struct svirtb *d)
{
    static u8 first[(DISK_SECTORS + 1) * SECTOR];
    u32 i;

    fill(d, DISK_SECTORS + 1, 0xFF);
    check(keos_read(d, 0, DISK_SECTORS + 1) == 0, "a read past the end succeeds");
    for (i = 0; i < sizeof first; i++)
        first[i] = d->data[i];
    fill(d, DISK_SECTORS + 1, 0xEE);
    check(keos_read(d, 0, DISK_SECTORS + 1) == 0, "and once more");
    for (i = 0; i < sizeof first && first[i] == d->data[i]; i++)
        ;
    return i;
}

void grade_batch(struct svirtb *d)
{
    u32 i;
    int right = 1;

    check(keos_start(d) == 0, "batch: the device starts again");
    check(probe(d) == DISK_BYTES, "the disk has 1074 bytes");
    fill(d, DISK_SECTORS, 0x5A);
    check(keos_read(d, 0, DISK_SECTORS) == 0 && holds(d, 0, DISK_SECTORS, 0x5A), "all sectors are read with one doorbell");
    fill(d, DISK_SECTORS, OTHER);
    check(keos_write(d, 0, DISK_SECTORS) == 0, "all are written with one doorbell, past the end");
    fill(d, DISK_SECTORS, 1);
    check(keos_read(d, 0, DISK_SECTORS) == 0, "and read back");
    for (i = 0; i < DISK_SECTORS * SECTOR; i++)
        right &= d->data[i] == (i < DISK_BYTES ? OTHER : 1);
    check(right, "as far as the disk goes, which has not grown");
    restore(d, 0, DISK_SECTORS);
    keos_finish(d);
}

/* The device asks for a reset, does nothing until it gets one, and works again. */
static void recovers(struct svirtb *d, const char *what)
{
    check(keos_get(d, STATUS) == RESET, what);
    keos_put(d, STATUS, DRIVER_OK);
    keos_put(d, QUEUE_HEAD, 1);
    check(keos_get(d, STATUS) == RESET && keos_get(d, QUEUE_TAIL) == 0, "and it waits for a reset");
    keos_put(d, STATUS, RESET);
    check(keos_start(d) == 0 && is_whole(d), "after which it works");
    keos_finish(d);
}

void grade_errors(struct svirtb *d)
{
    u64 data = d->data_address;

    keos_put(d, QUEUE_HEAD, 0);
    recovers(d, "a doorbell before READY is an error");
    keos_put(d, STATUS, MAGIC);
    recovers(d, "writing MAGIC is an error");
    keos_start(d);
    keos_put(d, QUEUE_HEAD, d->ring_size);
    recovers(d, "a head that is not in the ring is an error");
    keos_start(d);
    d->data_address = 0xCAFE0000;
    check(keos_read(d, 0, 1) == -1, "a buffer that is not RAM is not read to");
    d->data_address = data;
    recovers(d, "but an error");
    keos_start(d);
    d->ring[0].cmd = 2;
    keos_put(d, QUEUE_HEAD, 1);
    recovers(d, "an unknown command is an error");
}
