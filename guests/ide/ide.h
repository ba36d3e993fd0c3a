/* What the parts of the IDE guest share: one channel, its registers by name, commands. */
#ifndef IDE_H
#define IDE_H

#include "../pci/pci.h"

enum { DATA, ERROR, COUNT, LOW, MID, HIGH, DRIVE, STATUS };
enum { FEATURES = ERROR, COMMAND_REGISTER = STATUS };
enum { BUSY = 0x80, READY = 0x40, SEEK_DONE = 0x10, DATA_REQUEST = 0x08, FAILED = 0x01 };
enum { UNCORRECTABLE = 0x40, ID_NOT_FOUND = 0x10, ABORTED = 0x04 };
enum { NO_INTERRUPT = 0x02, SOFT_RESET = 0x04, HIGH_ORDER = 0x80 };     /* Device Control */
enum { START = 0x01, TO_MEMORY = 0x08 };                                /* bus master: command */
enum { ACTIVE = 0x01, MASTER_ERROR = 0x02, INTERRUPT = 0x04 };          /* bus master: status */
enum { SECTOR = 512, BLOCK = 2048, PATIENCE = 50000000 };

/* Sector n of each medium, as the test makes it, is 128 words of n << 8 | place in the sector. BAD_SECTOR of the disk cannot be read. */
enum { DISK_SECTORS = 2048, DISC_BLOCKS = 64, BAD_SECTOR = 1000 };

struct channel {
    u64 command, control;
    u64 bus_master;                     /* 0 if there is none */
    u32 shift;                          /* distance of two registers, as a power of two */
    u32 source;                         /* of the interrupt controller */
};

/* channel.c */
u8 in(const struct channel *c, u32 reg);
void out(const struct channel *c, u32 reg, u32 value);
u8 alternate(const struct channel *c);
void control(const struct channel *c, u32 value);
u8 settle(const struct channel *c);                     /* waits while the device is busy; gives Alternate Status */
int rings(const struct channel *c);                     /* an interrupt comes; it is acknowledged */
int is_silent(const struct channel *c);                 /* none comes */
void soft_reset(const struct channel *c);
void command28(const struct channel *c, u32 unit, u8 opcode, u32 lba, u32 count);
void command48(const struct channel *c, u32 unit, u8 opcode, u64 lba, u32 count, u32 features);
u32 address28(const struct channel *c);
void take(const struct channel *c, void *to, u32 bytes);
void give(const struct channel *c, const void *from, u32 bytes);
u32 take_blocks(const struct channel *c, u8 *to, u32 block, u32 total);         /* as long as the device offers; how many blocks */
u32 give_blocks(const struct channel *c, const u8 *from, u32 block, u32 total);

/* master.c: SFF-8038i */
struct region { u32 address, bytes; };
void master_prepare(const struct channel *c, const struct region *regions, u32 count);
void master_start(const struct channel *c, u32 direction);
u8 master_wait(const struct channel *c);                /* until INTERRUPT, or ACTIVE is gone; stops it; the status before */

/* pattern.c */
int is_pattern(const void *data, u32 first_sector, u32 sectors);
int is_same(const void *a, const void *b, u32 bytes);
void fill(void *data, u32 bytes, u8 value);

/* disk.c, dma.c, cd.c: what is checked */
void try_disk(const struct channel *c);
void try_dma(const struct channel *c);
void try_cd(const struct channel *c, u32 unit);

extern u8 memory[64 * SECTOR];                          /* where data go; on a page of its own */

#endif
