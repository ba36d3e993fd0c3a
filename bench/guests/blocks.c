/*
 * Reads 4 KiB at random places, one request at a time, in turns from every disk of the machine, and says through the
 * 16550 how many requests there were and how long they took together: "<requests> <ticks of the time register>\n".
 */
#include "../../guests/demo/demo.h"

enum { BLOCK = 2, REQUESTS = 20000, WARM = 4000, MOST = 32, SECTORS = 8 };
#define VERSION_1 (1ul << 32)
#define POWER ((volatile u32 *)0x100000)
#define UART ((volatile u8 *)0x10000000)

static struct ring rings[MOST];
static u64 sizes[MOST];
static u32 disks;
static u8 data[4096] __attribute__((aligned(4096)));

static void found(u64 address)
{
    if (virtio_id(address) != BLOCK || disks == MOST)
        return;
    if (virtio_start(address, VERSION_1) || virtio_ring(&rings[disks], address, 0))
        return;
    virtio_ready(address);
    sizes[disks++] = virtio_config64(address, 0) / SECTORS;
}

static void put(char c)
{
    while (!(UART[5] & 0x20))
        ;
    UART[0] = (u8)c;
}

static void number(u64 value)
{
    char digits[20];
    int count = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count)
        put(digits[--count]);
}

static u64 ticks(void)
{
    u64 value;

    __asm__ volatile("rdtime %0" : "=r"(value));
    return value;
}

static int run(u32 requests)
{
    static struct { u32 type, reserved; u64 sector; } header;
    static volatile u8 status;
    static u64 seed = 88172645463325252ul;
    u32 i;

    for (i = 0; i < requests; i++) {
        struct buffer chain[3] = { { &header, sizeof header, 0 }, { data, sizeof data, 1 }, { (void *)&status, 1, 1 } };

        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        header.sector = seed % sizes[i % disks] * SECTORS;
        status = 0xff;
        if (virtio_request(&rings[i % disks], chain, 3) < 0 || status)
            return -1;
    }
    return 0;
}

void demo(u64 hart, const void *fdt)
{
    u64 start;

    (void)hart;
    fdt_each(fdt, "virtio,mmio", found);
    if (disks && !run(WARM)) {
        start = ticks();
        if (!run(REQUESTS)) {
            start = ticks() - start;
            number(REQUESTS);
            put(' ');
            number(start);
            put('\n');
        }
    }
    *POWER = 0x5555;
    for (;;)
        __asm__ volatile("wfi");
}
