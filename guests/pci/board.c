/* The board around the bus: serial port, power, software interrupts and the interrupt controller. */
#include "pci.h"

#define POWER ((volatile u32 *)0x100000)

static int failures;
static volatile u32 taken;

static void fence(void)
{
    __asm__ volatile("fence iorw, iorw" ::: "memory");
}

#define ACCESS(bits, type)                                   \
    type get##bits(u64 address)                              \
    {                                                        \
        type value = *(volatile type *)address;              \
        fence();                                             \
        return value;                                        \
    }                                                        \
    void put##bits(u64 address, type value)                  \
    {                                                        \
        fence();                                             \
        *(volatile type *)address = value;                   \
    }

ACCESS(8, u8)
ACCESS(16, u16)
ACCESS(32, u32)

/* The compiler calls it to clear structures. */
void *memset(void *to, int value, u64 count)
{
    volatile u8 *p = to;

    while (count--)
        *p++ = (u8)value;
    return to;
}

void say(const char *text)
{
    for (; *text; text++) {
        while (!(get8(UART + 5) & 0x20))
            ;
        put8(UART, (u8)*text);
    }
}

void check(int right, const char *what)
{
    say(right ? "ok: " : "WRONG: ");
    say(what);
    say("\n");
    failures += !right;
}

void finish(const char *name)
{
    say(name);
    say(failures ? ": something failed\n" : ": all is well\n");
    *POWER = failures ? 1 << 16 | 0x3333 : 0x5555;
    for (;;)
        __asm__ volatile("wfi");
}

/* A software interrupt is taken back at its source; an external one is left to the program, with its bit off. */
__attribute__((interrupt("machine"), aligned(4))) static void trap(void)
{
    u64 cause;

    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    taken++;
    if ((cause & 0xff) == SOFTWARE)
        put32(CLINT, 0);
    else
        __asm__ volatile("csrw mie, zero");
}

void traps_on(u32 bit)
{
    __asm__ volatile("csrw mtvec, %0\n\tcsrw mie, %1\n\tcsrsi mstatus, 8" ::"r"(trap), "r"(1ul << bit) : "memory");
}

void traps_off(void)
{
    __asm__ volatile("csrci mstatus, 8\n\tcsrw mie, zero" ::: "memory");
}

u32 traps_taken(void)
{
    u32 count = taken;

    taken = 0;
    return count;
}

void wire_on(u32 source)
{
    put32(PLIC + 4 * source, 1);
    put32(PLIC + 0x2000 + source / 32 * 4, 1u << source % 32);
    put32(PLIC + 0x200000, 0);
}

u32 wire_claim(void)
{
    return get32(PLIC + 0x200004);
}

void wire_complete(u32 source)
{
    put32(PLIC + 0x200004, source);
}
