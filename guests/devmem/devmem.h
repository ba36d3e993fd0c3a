/* A program under Linux that drives devices without a kernel driver: registers through /dev/mem, buffers by its own pagemap. */
#ifndef DEVMEM_H
#define DEVMEM_H

#include "demo.h"

enum { PAGE = 4096 };

/* linux.c: ends the program with a message when the kernel refuses */
struct page {
    volatile u8 *memory;
    u64 address;                        /* guest-physical */
};

void say(const char *text);
void check(int right, const char *what);
void fail(const char *what) __attribute__((noreturn));
void finish(const char *name) __attribute__((noreturn));
const void *device_tree(void);
volatile u8 *registers(u64 address);    /* the page that it lies in, and the place there */
struct page take_page(void);            /* stays where it is while the program runs */

/* Each device that is there. */
void try_svirtb(void);
void try_bio(void);

#endif
