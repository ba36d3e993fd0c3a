/* The registers of one channel (ATA/ATAPI-6, chapter 7), wherever they are. */
#include "ide.h"

u8 memory[64 * SECTOR] __attribute__((aligned(4096)));

u8 in(const struct channel *c, u32 reg)
{
    return get8(c->command + ((u64)reg << c->shift));
}

void out(const struct channel *c, u32 reg, u32 value)
{
    put8(c->command + ((u64)reg << c->shift), (u8)value);
}

u8 alternate(const struct channel *c)
{
    return get8(c->control);
}

void control(const struct channel *c, u32 value)
{
    put8(c->control, (u8)value);
}

u8 settle(const struct channel *c)
{
    long patience;

    for (patience = PATIENCE; patience && alternate(c) & BUSY; patience--)
        ;
    return alternate(c);
}

static int claims(const struct channel *c)
{
    u32 source = wire_claim();

    if (!source)
        return 0;
    in(c, STATUS);
    if (c->bus_master)
        put8(c->bus_master + 2, INTERRUPT);
    wire_complete(source);
    return source == c->source ? 1 : -1;
}

int rings(const struct channel *c)
{
    long patience;
    int claimed = 0;

    for (patience = PATIENCE; patience && !claimed; patience--)
        claimed = claims(c);
    return claimed == 1;
}

int is_silent(const struct channel *c)
{
    settle(c);
    return claims(c) == 0;
}

void soft_reset(const struct channel *c)
{
    control(c, SOFT_RESET);
    control(c, 0);
    settle(c);
}

void command28(const struct channel *c, u32 unit, u8 opcode, u32 lba, u32 count)
{
    out(c, DRIVE, 0xe0 | unit << 4 | (lba >> 24 & 15));
    out(c, FEATURES, 0);
    out(c, COUNT, count);
    out(c, LOW, lba);
    out(c, MID, lba >> 8);
    out(c, HIGH, lba >> 16);
    out(c, COMMAND_REGISTER, opcode);
}

void command48(const struct channel *c, u32 unit, u8 opcode, u64 lba, u32 count, u32 features)
{
    out(c, DRIVE, 0xe0 | unit << 4);
    out(c, FEATURES, features >> 8);
    out(c, FEATURES, features);
    out(c, COUNT, count >> 8);
    out(c, COUNT, count);
    out(c, LOW, (u32)(lba >> 24));
    out(c, LOW, (u32)lba);
    out(c, MID, (u32)(lba >> 32));
    out(c, MID, (u32)(lba >> 8));
    out(c, HIGH, (u32)(lba >> 40));
    out(c, HIGH, (u32)(lba >> 16));
    out(c, COMMAND_REGISTER, opcode);
}

u32 address28(const struct channel *c)
{
    return in(c, LOW) | in(c, MID) << 8 | in(c, HIGH) << 16 | (in(c, DRIVE) & 15) << 24;
}

void take(const struct channel *c, void *to, u32 bytes)
{
    u16 *p = to;

    for (; bytes; bytes -= 2)
        *p++ = get16(c->command);
}

void give(const struct channel *c, const void *from, u32 bytes)
{
    const u16 *p = from;

    for (; bytes; bytes -= 2)
        put16(c->command, *p++);
}

u32 take_blocks(const struct channel *c, u8 *to, u32 block, u32 total)
{
    u32 blocks;

    for (blocks = 0; total && (settle(c) & DATA_REQUEST); blocks++) {
        u32 bytes = total < block ? total : block;

        take(c, to, bytes);
        to += bytes;
        total -= bytes;
    }
    return blocks;
}

u32 give_blocks(const struct channel *c, const u8 *from, u32 block, u32 total)
{
    u32 blocks;

    for (blocks = 0; total && (settle(c) & DATA_REQUEST); blocks++) {
        u32 bytes = total < block ? total : block;

        give(c, from, bytes);
        from += bytes;
        total -= bytes;
    }
    return blocks;
}
