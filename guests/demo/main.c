/* A guest without an operating system: drives console, disk and entropy through their rings and says what it saw. */
#include "demo.h"

enum { CONSOLE = 3, BLOCK = 2, ENTROPY = 4 };
enum { SECTOR = 512 };
enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8 };
#define VERSION_1 (1ul << 32)
#define BLOCK_FLUSH (1ul << 9)
#define POWER ((volatile u32 *)0x100000)

static u64 console, disk, entropy;
static struct ring console_out, disk_ring, entropy_ring;
static char line[256];
static u32 used;
static int failures;

static void flush_line(void)
{
    struct buffer buffer = { line, used, 0 };

    if (console && used)
        virtio_request(&console_out, &buffer, 1);
    used = 0;
}

static void say(const char *text)
{
    for (; *text; text++) {
        if (used == sizeof line)
            flush_line();
        line[used++] = *text;
        if (*text == '\n')
            flush_line();
    }
}

static void number(u64 value)
{
    char digits[21];
    int at = 20;

    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    say(digits + at);
}

static void hex(const u8 *bytes, u32 count)
{
    char pair[3] = { 0 };

    for (; count; count--, bytes++) {
        pair[0] = "0123456789abcdef"[*bytes >> 4];
        pair[1] = "0123456789abcdef"[*bytes & 15];
        say(pair);
    }
}

static void check(int holds, const char *what)
{
    if (!holds) {
        failures++;
        say("  FAILED: ");
        say(what);
        say("\n");
    }
}

static void found(u64 address)
{
    u32 id = virtio_id(address);

    if (id == CONSOLE && !console)
        console = address;
    if (id == BLOCK && !disk)
        disk = address;
    if (id == ENTROPY && !entropy)
        entropy = address;
}

static int start_console(void)
{
    if (!console || virtio_start(console, VERSION_1) || virtio_ring(&console_out, console, 1))
        return -1;
    virtio_ready(console);
    return 0;
}

/* 5.2.6: a header, the data, a status byte. */
static int transfer(u32 type, u64 sector, void *data, u32 length)
{
    static struct { u32 type, reserved; u64 sector; } header;
    static volatile u8 status;
    struct buffer chain[3] = { { &header, sizeof header, 0 } };
    u32 count = 1;

    header.type = type;
    header.sector = sector;
    status = 0xff;
    if (length) {
        struct buffer part = { data, length, type != OUT };
        chain[count++] = part;
    }
    chain[count].address = (void *)&status;
    chain[count].length = 1;
    chain[count++].device_writes = 1;
    return virtio_request(&disk_ring, chain, count) < 0 ? -1 : status;
}

static void try_disk(void)
{
    static u8 written[2 * SECTOR], back[2 * SECTOR];
    static char name[21];
    u64 sectors;
    u32 i;

    if (!disk || virtio_start(disk, VERSION_1 | BLOCK_FLUSH) || virtio_ring(&disk_ring, disk, 0)) {
        check(0, "the disk does not start");
        return;
    }
    virtio_ready(disk);
    sectors = virtio_config64(disk, 0);
    check(transfer(GET_ID, 0, name, 20) == 0, "the disk does not say its name");
    say("disk: '");
    say(name);
    say("', ");
    number(sectors);
    say(" sectors\n");
    for (i = 0; i < sizeof written; i++)
        written[i] = (u8)(i * 7 + (i >> 8));
    check(transfer(OUT, 1, written, sizeof written) == 0, "a write was refused");
    check(transfer(FLUSH, 0, 0, 0) == 0, "a flush was refused");
    check(transfer(IN, 1, back, sizeof back) == 0, "a read was refused");
    for (i = 0; i < sizeof written && written[i] == back[i]; i++)
        ;
    check(i == sizeof written, "what was read is not what was written");
    check(transfer(IN, sectors, back, SECTOR) == 1, "a read behind the end was not refused");
    say("disk: wrote 2 sectors, flushed, read them back: ");
    say(i == sizeof written ? "the same bytes\n" : "other bytes\n");
}

static void try_entropy(void)
{
    static u8 first[16], second[16];
    struct buffer one = { first, sizeof first, 1 }, two = { second, sizeof second, 1 };
    u32 i;

    if (!entropy || virtio_start(entropy, VERSION_1) || virtio_ring(&entropy_ring, entropy, 0)) {
        check(0, "the entropy device does not start");
        return;
    }
    virtio_ready(entropy);
    check(virtio_request(&entropy_ring, &one, 1) > 0, "no random bytes");
    check(virtio_request(&entropy_ring, &two, 1) > 0, "no more random bytes");
    for (i = 0; i < sizeof first && first[i] == second[i]; i++)
        ;
    check(i < sizeof first, "the same random bytes twice");
    say("entropy: ");
    hex(first, sizeof first);
    say("\n");
}

static void power_off(u32 code)
{
    *POWER = code ? code << 16 | 0x3333 : 0x5555;
    for (;;)
        __asm__ volatile("wfi");
}

void demo(u64 hart, const void *fdt)
{
    fdt_each(fdt, "virtio,mmio", found);
    if (start_console())
        power_off(2);
    say("demo: hart ");
    number(hart);
    say(", no operating system, virtio console\n");
    try_entropy();
    try_disk();
    say(failures ? "demo: something failed\n" : "demo: all is well\n");
    power_off(failures != 0);
}
