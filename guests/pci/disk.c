/* A virtio disk over PCI: split rings (virtio 1.3, section 2.7), one request at a time on each of a few queues. */
#include "pci.h"

enum {
    DEVICE_FEATURE_SELECT = 0x00, DEVICE_FEATURE = 0x04, DRIVER_FEATURE_SELECT = 0x08, DRIVER_FEATURE = 0x0c,
    CONFIG_MSIX_VECTOR = 0x10, NUM_QUEUES = 0x12, DEVICE_STATUS = 0x14, QUEUE_SELECT = 0x16, QUEUE_SIZE = 0x18,
    QUEUE_MSIX_VECTOR = 0x1a, QUEUE_ENABLE = 0x1c, QUEUE_NOTIFY_OFF = 0x1e, QUEUE_DESC = 0x20, QUEUE_DRIVER = 0x28,
    QUEUE_DEVICE = 0x30,
};
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
enum { NEXT = 1, WRITE = 2 };
enum { QUEUES = 4, MULTIQUEUE = 1 << 12, PATIENCE = 200000000 };

static struct ring rings[QUEUES];
static struct { u32 type, reserved; u64 sector; } headers[QUEUES];
static volatile u8 results[QUEUES];

static void put_address(u64 field, const volatile void *address)
{
    put32(field, (u32)(u64)address);
    put32(field + 4, (u32)((u64)address >> 32));
}

static int ring_start(struct function *function, u32 queue, u16 vector)
{
    u64 common = function->bar + function->common;
    struct ring *ring = &rings[queue];

    memset(ring, 0, sizeof *ring);
    put16(common + QUEUE_SELECT, (u16)queue);
    if (get16(common + QUEUE_SIZE) < RING_SIZE || get16(common + QUEUE_ENABLE))
        return -1;
    put16(common + QUEUE_SIZE, RING_SIZE);
    put_address(common + QUEUE_DESC, ring->descriptors);
    put_address(common + QUEUE_DRIVER, &ring->available);
    put_address(common + QUEUE_DEVICE, &ring->used);
    put16(common + QUEUE_MSIX_VECTOR, vector);
    if (get16(common + QUEUE_MSIX_VECTOR) != vector)
        return -1;
    put16(common + QUEUE_ENABLE, 1);
    return 0;
}

int disk_start(struct function *function, u32 queues, const u16 *vectors, u16 config_vector)
{
    u64 common = function->bar + function->common;
    u32 queue, low;

    put8(common + DEVICE_STATUS, 0);
    while (get8(common + DEVICE_STATUS))
        ;
    put8(common + DEVICE_STATUS, ACKNOWLEDGE);
    put8(common + DEVICE_STATUS, ACKNOWLEDGE | DRIVER);
    put32(common + DEVICE_FEATURE_SELECT, 0);
    low = get32(common + DEVICE_FEATURE) & MULTIQUEUE;
    put32(common + DRIVER_FEATURE_SELECT, 0);
    put32(common + DRIVER_FEATURE, low);
    put32(common + DRIVER_FEATURE_SELECT, 1);
    put32(common + DRIVER_FEATURE, 1); /* VERSION_1 */
    put8(common + DEVICE_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    if (!(get8(common + DEVICE_STATUS) & FEATURES_OK) || get16(common + NUM_QUEUES) < queues)
        return -1;
    put16(common + CONFIG_MSIX_VECTOR, config_vector);
    if (get16(common + CONFIG_MSIX_VECTOR) != config_vector)
        return -1;
    for (queue = 0; queue < queues; queue++)
        if (ring_start(function, queue, vectors[queue]))
            return -1;
    put8(common + DEVICE_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    return 0;
}

static void describe(struct ring *ring, u32 at, volatile void *address, u32 length, u16 flags)
{
    ring->descriptors[at].address = (u64)address;
    ring->descriptors[at].length = length;
    ring->descriptors[at].flags = flags;
    ring->descriptors[at].next = (u16)(at + 1);
}

int disk_read(struct function *function, u32 queue, u64 sector, void *data)
{
    u64 common = function->bar + function->common;
    struct ring *ring = &rings[queue];
    u16 offset;
    long patience;

    headers[queue].type = 0;
    headers[queue].sector = sector;
    results[queue] = 0xff;
    describe(ring, 0, &headers[queue], sizeof headers[queue], NEXT);
    describe(ring, 1, data, 512, NEXT | WRITE);
    describe(ring, 2, &results[queue], 1, WRITE);
    ring->available.entries[ring->available.index % RING_SIZE] = 0;
    __asm__ volatile("fence rw, w" ::: "memory");
    *(volatile u16 *)&ring->available.index = (u16)(ring->available.index + 1);
    put16(common + QUEUE_SELECT, (u16)queue);
    offset = get16(common + QUEUE_NOTIFY_OFF);
    put16(function->bar + function->notify + (u64)offset * function->notify_multiplier, (u16)queue);
    for (patience = PATIENCE; *(volatile u16 *)&ring->used.index == ring->seen; patience--)
        if (patience == 0)
            return -1;
    __asm__ volatile("fence r, rw" ::: "memory");
    ring->seen++;
    return results[queue];
}

u8 disk_isr(struct function *function)
{
    return get8(function->bar + function->isr);
}
