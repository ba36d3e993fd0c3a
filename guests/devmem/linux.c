/* What the program asks of the kernel (riscv64 system calls), without a C library. */
#include "devmem.h"

enum { PREAD64 = 67, WRITE = 64, OPENAT = 56, EXIT = 93, MMAP = 222, READ = 63 };
enum { AT_FDCWD = -100, READ_ONLY = 0, READ_WRITE = 2, SYNC = 04010000 };
enum { PROT_READ_WRITE = 3, MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20, MAP_LOCKED = 0x2000, MAP_POPULATE = 0x8000 };

static const u64 PRESENT = 1ul << 63, FRAME = (1ul << 55) - 1;     /* Documentation/admin-guide/mm/pagemap.rst */

static int failures;

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = e;
    register long a5 __asm__("a5") = f;
    register long a7 __asm__("a7") = number;

    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
    return a0;
}

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
    u64 length = 0;

    while (text[length])
        length++;
    call(WRITE, 1, (long)text, (long)length, 0, 0, 0);
}

void check(int right, const char *what)
{
    say(right ? "ok: " : "WRONG: ");
    say(what);
    say("\n");
    failures += !right;
}

void fail(const char *what)
{
    say("cannot ");
    say(what);
    say("\n");
    call(EXIT, 2, 0, 0, 0, 0, 0);
    for (;;)
        ;
}

void finish(const char *name)
{
    say(name);
    say(failures ? ": something failed\n" : ": all is well\n");
    call(EXIT, failures ? 1 : 0, 0, 0, 0, 0, 0);
    for (;;)
        ;
}

static long open_file(const char *path, long flags)
{
    long file = call(OPENAT, AT_FDCWD, (long)path, flags, 0, 0, 0);

    if (file < 0)
        fail(path);
    return file;
}

const void *device_tree(void)
{
    static u8 tree[64 * 1024] __attribute__((aligned(8)));
    long file = open_file("/sys/firmware/fdt", READ_ONLY);
    long length, all = 0;

    while ((length = call(READ, file, (long)tree + all, (long)sizeof tree - all, 0, 0, 0)) > 0)
        all += length;
    return tree;
}

volatile u8 *registers(u64 address)
{
    static long file = -1;
    long page;

    if (file < 0)
        file = open_file("/dev/mem", READ_WRITE | SYNC);
    page = call(MMAP, 0, PAGE, PROT_READ_WRITE, MAP_SHARED, file, (long)(address & -(u64)PAGE));
    if (page < 0 && page > -PAGE)
        fail("map registers through /dev/mem");
    return (volatile u8 *)page + address % PAGE;
}

struct page take_page(void)
{
    static long file = -1;
    struct page page;
    u64 entry = 0;
    long memory = call(MMAP, 0, PAGE, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);

    if (memory < 0 && memory > -PAGE)
        fail("map a page");
    page.memory = (volatile u8 *)memory;
    page.memory[0] = 0;
    if (file < 0)
        file = open_file("/proc/self/pagemap", READ_ONLY);
    if (call(PREAD64, file, (long)&entry, sizeof entry, memory / PAGE * (long)sizeof entry, 0, 0) != sizeof entry || !(entry & PRESENT) || !(entry & FRAME))
        fail("find a page in its pagemap");
    page.address = (entry & FRAME) * PAGE;
    return page;
}
