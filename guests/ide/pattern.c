/* What stands in memory. */
#include "ide.h"

int is_pattern(const void *data, u32 first_sector, u32 sectors)
{
    const u32 *p = data;
    u32 sector, i;

    for (sector = first_sector; sector < first_sector + sectors; sector++)
        for (i = 0; i < SECTOR / 4; i++)
            if (*p++ != (sector << 8 | i))
                return 0;
    return 1;
}

int is_same(const void *a, const void *b, u32 bytes)
{
    const u8 *p = a, *q = b;

    while (bytes && *p == *q) {
        p++;
        q++;
        bytes--;
    }
    return bytes == 0;
}

void fill(void *data, u32 bytes, u8 value)
{
    memset(data, value, bytes);
}
