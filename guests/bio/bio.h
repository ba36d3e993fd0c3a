/* What the parts of the BIO guest share: ducky's hardware table, and a driver of its block device. */
#ifndef BIO_H
#define BIO_H

#include "pci.h"

/* hdt.c */
enum { HDT = 0x100, HDT_MAGIC = 0x4d5e6f70, OS_BASE = 0x80030000, BLOCK_SIZE = 1024, MAX_BIOS = 4, MAX_STORAGES = 8 };

struct storage {
    u32 bio;                    /* index of its BIO */
    u32 sid, block_size, flags;
    u64 size;
};

struct bio {
    u64 base;
    u32 source;                 /* 0: does not interrupt */
    u32 storages;
};

struct table {
    u32 memory, harts, arguments, boot_argument;
    u32 bio_count, storage_count;
    struct bio bios[MAX_BIOS];
    struct storage storages[MAX_STORAGES];
};

int table_read(struct table *table);            /* 0 if it is in order */
const struct storage *table_storage(const struct table *table, u32 sid);

/* driver.c */
enum { STATUS = 0x00, SID = 0x04, BLOCK = 0x08, COUNT = 0x0c, ADDR = 0x10, DATA = 0x14 };
enum { RDY = 1, ERR = 2, READ = 4, WRITE = 8, BUSY = 16, DMA = 32, SRST = 64 };

u32 bio_reset(u64 base);
u32 bio_setup(u64 base, u32 sid, u32 block, u32 count, const void *buffer);     /* gives STATUS */
u32 bio_submit(u64 base, u32 command);          /* until it is ready or failed, and not busy; gives STATUS */
int bio_dma(u64 base, u32 command, u32 sid, u32 block, u32 count, void *buffer);
int bio_port_read(u64 base, u32 sid, u32 block, u32 count, u32 *words);
int bio_port_write(u64 base, u32 sid, u32 block, u32 count, const u32 *words);

#endif
