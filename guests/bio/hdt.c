/* Ducky's hardware table as a guest reads it: byte by byte where fields have odd places, passing over what it does not know. */
#include "bio.h"

enum { CPU = 1, MEMORY = 2, ARGUMENT = 3, DEVICE_ENTRY = 4 };
enum { HEADER_BYTES = 12, NAME = 6, IDENT = 16, FIELDS = 48 };

static int text_is(u64 address, const char *text)
{
    while (*text)
        if (get8(address++) != (u8)*text++)
            return 0;
    return get8(address) == 0;
}

static void read_device(struct table *table, u64 entry)
{
    if (text_is(entry + IDENT, "Block IO controller") && table->bio_count < MAX_BIOS) {
        struct bio *bio = &table->bios[table->bio_count++];

        bio->base = get32(entry + FIELDS);
        bio->source = get32(entry + FIELDS + 4);
        bio->storages = get32(entry + FIELDS + 8);
    } else if (text_is(entry + IDENT, "Block storage") && table->storage_count < MAX_STORAGES) {
        struct storage *storage = &table->storages[table->storage_count++];

        storage->bio = table->bio_count - 1;
        storage->sid = get32(entry + FIELDS + 4);
        storage->block_size = get32(entry + FIELDS + 8);
        storage->flags = get32(entry + FIELDS + 12);
        storage->size = get32(entry + FIELDS + 16) | (u64)get32(entry + FIELDS + 20) << 32;
    }
}

int table_read(struct table *table)
{
    u64 entry = HDT + HEADER_BYTES, end = HDT + get32(HDT + 8);
    u32 count = get32(HDT + 4);

    if (get32(HDT) != HDT_MAGIC)
        return -1;
    for (; count && entry + 4 <= end; count--) {
        switch (get16(entry)) {
        case MEMORY:
            table->memory = get32(entry + 4);
            break;
        case CPU:
            table->harts = (u32)get16(entry + 4) * get16(entry + 6);
            break;
        case ARGUMENT:
            table->arguments++;
            if (text_is(entry + NAME, "blocks"))
                table->boot_argument = get8(entry + 19) | (u32)get8(entry + 20) << 8;
            break;
        case DEVICE_ENTRY:
            read_device(table, entry);
            break;
        }
        entry += get16(entry + 2);
    }
    return count == 0 && entry == end ? 0 : -1;
}

const struct storage *table_storage(const struct table *table, u32 sid)
{
    u32 i;

    for (i = 0; i < table->storage_count; i++)
        if (table->storages[i].sid == sid)
            return &table->storages[i];
    return 0;
}
