/* What the parts of the PCI guest share: registers by name, one function, one virtio disk on it. */
#ifndef PCI_H
#define PCI_H

#include "demo.h"

/* board.c */
enum { SOFTWARE = 3, EXTERNAL = 11 };       /* bits of mie */
enum { UART = 0x10000000, CLINT = 0x02000000, PLIC = 0x0c000000, FIRST_WIRE = 32 };

u8 get8(u64 address);
u16 get16(u64 address);
u32 get32(u64 address);
void put8(u64 address, u8 value);
void put16(u64 address, u16 value);
void put32(u64 address, u32 value);
void *memset(void *to, int value, u64 count);
void say(const char *text);
void check(int right, const char *what);
void finish(const char *name) __attribute__((noreturn));
void traps_on(u32 bit);                     /* lets one kind of interrupt through, in machine mode */
void traps_off(void);
u32 traps_taken(void);                      /* how many were taken since the last call */
void wire_on(u32 source);                   /* lets a source of the PLIC through to this hart */
u32 wire_claim(void);
void wire_complete(u32 source);

/* function.c */
enum { VENDOR = 0x00, DEVICE = 0x02, COMMAND = 0x04, STATUS_REGISTER = 0x06, BAR0 = 0x10, CAPABILITIES = 0x34 };
enum { MEMORY_SPACE = 2, BUS_MASTER = 4, INTERRUPT_DISABLE = 0x400 };
enum { MSIX = 0x11, VENDOR_SPECIFIC = 0x09 };
enum { MSIX_ENABLE = 0x8000, MSIX_MASK_ALL = 0x4000 };

struct function {
    u64 config;                             /* where its configuration space is */
    u32 device;                             /* its device number */
    u32 bar_size;
    u64 bar;                                /* where its registers are now */
    u64 common, notify, isr, device_config; /* offsets of the structures from there */
    u32 notify_multiplier;
    u32 msix;                               /* offset of the capability */
    u64 table, pending;                     /* offsets of the two tables */
};

int function_find(struct function *function, u64 ecam, u16 vendor, u16 device);
void function_place(struct function *function, u64 address);
int function_read_capabilities(struct function *function);
void msix_control(struct function *function, u16 bits);
u16 msix_vectors(struct function *function);
void msix_program(struct function *function, u32 vector, u64 address, u32 data, u32 masked);
void msix_mask(struct function *function, u32 vector, u32 masked);
u32 msix_pending(struct function *function);

/* disk.c: virtio 1.3, sections 4.1 and 5.2 */
enum { NO_VECTOR = 0xffff };

int disk_start(struct function *function, u32 queues, const u16 *vectors, u16 config_vector);
int disk_read(struct function *function, u32 queue, u64 sector, void *data);   /* waits for the used ring, not for an interrupt */
u8 disk_isr(struct function *function);

#endif
