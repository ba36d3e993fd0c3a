/*
 * A Linux program without a C library: reads <count> pieces of 4 KiB at random places of a disk, past the page cache,
 * in each of <readers> processes, the n-th on processor n, and says how many nanoseconds all of them took together.
 *   reads /dev/vda 1 20000
 * Without an argument it says what the clock shows, in nanoseconds.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

enum { OPENAT = 56, LSEEK = 62, WRITE = 64, PREAD = 67, EXIT = 93, CLOCK = 113, AFFINITY = 122, CLONE = 220, WAIT = 260 };
enum { DIRECT = 0x4000, AT_CWD = -100, SEEK_END = 2, SIGCHLD = 17, PIECE = 4096, MONOTONIC = 1 };

static u8 data[PIECE] __attribute__((aligned(PIECE)));

static long call(long number, long a, long b, long c, long d)
{
    register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = 0, a7 __asm__("a7") = number;

    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7) : "memory");
    return a0;
}

static void fail(const char *why)
{
    u32 length = 0;

    while (why[length])
        length++;
    call(WRITE, 2, (long)why, length, 0);
    call(EXIT, 1, 0, 0, 0);
}

static u64 now(void)
{
    long time[2];

    call(CLOCK, MONOTONIC, (long)time, 0, 0);
    return (u64)time[0] * 1000000000ul + (u64)time[1];
}

static u64 parse(const char *text)
{
    u64 value = 0;

    while (*text >= '0' && *text <= '9')
        value = value * 10 + (u64)(*text++ - '0');
    return value;
}

static void say(u64 value)
{
    char digits[21];
    int at = 20;

    digits[at] = '\n';
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    call(WRITE, 1, (long)(digits + at), 21 - at, 0);
}

static void read_all(const char *path, u64 reader, u64 count)
{
    u64 mask = 1ul << reader, seed = 88172645463325252ul + reader, pieces;
    long file = call(OPENAT, AT_CWD, (long)path, DIRECT, 0);

    if (file < 0)
        fail("reads: cannot open the disk\n");
    call(AFFINITY, 0, sizeof mask, (long)&mask, 0);
    pieces = (u64)call(LSEEK, file, 0, SEEK_END, 0) / PIECE;
    if (!pieces)
        fail("reads: the disk is empty\n");
    while (count--) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        if (call(PREAD, file, (long)data, PIECE, (long)(seed % pieces * PIECE)) != PIECE)
            fail("reads: a read failed\n");
    }
    call(EXIT, 0, 0, 0, 0);
}

void start(long *stack)
{
    char **words = (char **)(stack + 1);
    u64 readers, count, i, began;
    int status;

    if (stack[0] == 1) {
        say(now());
        call(EXIT, 0, 0, 0, 0);
    }
    if (stack[0] != 4)
        fail("usage: reads DISK READERS COUNT\n");
    readers = parse(words[2]);
    count = parse(words[3]);
    began = now();
    for (i = 0; i < readers; i++)
        if (call(CLONE, SIGCHLD, 0, 0, 0) == 0)
            read_all(words[1], i, count);
    for (i = 0; i < readers; i++)
        if (call(WAIT, -1, (long)&status, 0, 0) < 0 || status)
            fail("reads: a reader failed\n");
    say(now() - began);
    call(EXIT, 0, 0, 0, 0);
}

__asm__(".globl _start\n_start: mv a0, sp\n andi sp, sp, -16\n call start");
