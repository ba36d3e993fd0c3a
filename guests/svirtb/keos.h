/* KeOS's driver for Simple VirtIO Block, rewritten, and its two grader cases: for a bare machine and for a program under Linux. */
#ifndef KEOS_H
#define KEOS_H

#include "demo.h"

enum { MAGIC = 0x74726976, DRIVER_OK = 0, READY = 1, RESET = 2 };
enum { STATUS, QUEUE_SIZE, QUEUE_ADDR_HI, QUEUE_ADDR_LO, QUEUE_HEAD, QUEUE_TAIL };
enum { READ, WRITE };
enum { SECTOR = 512, DATA_SECTORS = 8, DISK_BYTES = 1074, DISK_SECTORS = 3 };

struct entry {                      /* 32 bytes: the compiler adds four */
    u64 addr, size, sector;
    u32 cmd;
};

struct svirtb {
    volatile u32 *registers;
    volatile struct entry *ring;
    u64 ring_address;               /* where the device finds it */
    u32 ring_size;
    volatile u8 *data;              /* DATA_SECTORS sectors */
    u64 data_address;
    u32 head;
};

/* Given by the program. */
void check(int right, const char *what);

/* keos.c: 0, or -1 for an I/O error */
int keos_start(struct svirtb *d);
int keos_read(struct svirtb *d, u64 sector, u32 count);     /* to the data, with one doorbell */
int keos_write(struct svirtb *d, u64 sector, u32 count);
void keos_finish(struct svirtb *d);
u32 keos_get(const struct svirtb *d, u32 reg);
void keos_put(const struct svirtb *d, u32 reg, u32 value);

/* grader.c: both leave the disk as it was */
u8 disk_byte(u32 index);                                     /* what the test put there */
void grade_single(struct svirtb *d);
void grade_batch(struct svirtb *d);
void grade_errors(struct svirtb *d);

#endif
