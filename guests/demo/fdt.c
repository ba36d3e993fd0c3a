/* The little of a flattened device tree (Devicetree Specification 0.4, chapter 5) that finds devices. */
#include "demo.h"

enum { MAGIC = 0xd00dfeed, BEGIN = 1, END = 2, PROPERTY = 3, NOP = 4 };

static u32 big(const u8 *p)
{
    return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static int same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static const u8 *padded(const u8 *p)
{
    return (const u8 *)(((u64)p + 3) & ~3ul);
}

void fdt_each(const void *fdt, const char *compatible, void (*found)(u64 address))
{
    const u8 *base = fdt;
    const char *strings;
    const u8 *p;
    u64 address = 0;
    int matches = 0, has_address = 0;

    if (!base || big(base) != MAGIC)
        return;
    p = base + big(base + 8);
    strings = (const char *)base + big(base + 12);
    for (;;) {
        u32 token = big(p);

        p += 4;
        if (token == BEGIN || token == END) {
            /* A node's properties stand before its children: here they are complete. */
            if (matches && has_address)
                found(address);
            matches = has_address = 0;
            if (token == BEGIN) {
                while (*p)
                    p++;
                p = padded(p + 1);
            }
        } else if (token == PROPERTY) {
            u32 length = big(p);
            const char *name = strings + big(p + 4);

            p += 8;
            if (same(name, "compatible") && same((const char *)p, compatible))
                matches = 1;
            if (same(name, "reg") && length >= 16) {
                /* Two cells of address, two of size: so below /soc on every board this runs on. */
                address = (u64)big(p) << 32 | big(p + 4);
                has_address = 1;
            }
            p = padded(p + length);
        } else if (token != NOP) {
            return;
        }
    }
}
