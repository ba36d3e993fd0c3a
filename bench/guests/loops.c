/*
 * Bare integer loops, one a program: LOOP says which. Each ends by turning the machine off through the device that
 * QEMU's board has at the same place, so the same file runs there, too.
 */
#define CHECKSUM 1
#define SIEVE 2
#define SORT 3

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

static volatile u64 result;

static void power_off(void)
{
    *(volatile u32 *)0x100000 = 0x5555;
    for (;;)
        __asm__ volatile("wfi");
}

#if LOOP == CHECKSUM
/* CRC-32 bit by bit: arithmetic and shifts, one load for 40 instructions. */
static u64 work(void)
{
    static u8 bytes[4096];
    u32 crc = ~0u, round, i, bit;

    for (round = 0; round < 3000; round++)
        for (i = 0; i < sizeof bytes; i++) {
            crc ^= bytes[i];
            for (bit = 0; bit < 8; bit++)
                crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
        }
    return crc;
}
#elif LOOP == SIEVE
/* The sieve of Eratosthenes: stores with a stride, loads in order. */
static u64 work(void)
{
    enum { LIMIT = 200000 };
    static u8 composite[LIMIT];
    u32 round, i, k;
    u64 primes = 0;

    for (round = 0; round < 200; round++) {
        for (i = 0; i < LIMIT; i++)
            composite[i] = 0;
        for (i = 2; i < LIMIT; i++) {
            if (composite[i])
                continue;
            primes++;
            for (k = i + i; k < LIMIT; k += i)
                composite[k] = 1;
        }
    }
    return primes;
}
#else
/* Shell sort of changing numbers, and a multiplication each: branches that cannot be foretold. */
static u64 work(void)
{
    enum { COUNT = 4096 };
    static u32 values[COUNT];
    u32 round, gap, i, k, seed = 1;
    u64 sum = 0;

    for (round = 0; round < 250; round++) {
        for (i = 0; i < COUNT; i++)
            values[i] = seed = seed * 1664525 + 1013904223;
        for (gap = COUNT / 2; gap; gap /= 2)
            for (i = gap; i < COUNT; i++) {
                u32 value = values[i];

                for (k = i; k >= gap && values[k - gap] > value; k -= gap)
                    values[k] = values[k - gap];
                values[k] = value;
            }
        sum += values[round];
    }
    return sum;
}
#endif

void start(void)
{
    result = work();
    power_off();
}

__asm__(".section .text.start, \"ax\"\n.globl _start\n_start: lla sp, stack_end\n call start\n.text");
