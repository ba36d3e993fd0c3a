#include "demo.h"

enum {
    MAGIC = 0x000, VERSION = 0x004, DEVICE_ID = 0x008, DEVICE_FEATURES = 0x010, DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020, DRIVER_FEATURES_SEL = 0x024, QUEUE_SEL = 0x030, QUEUE_NUM_MAX = 0x034, QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044, QUEUE_NOTIFY = 0x050, INTERRUPT_STATUS = 0x060, INTERRUPT_ACK = 0x064, STATUS = 0x070,
    QUEUE_DESC = 0x080, QUEUE_DRIVER = 0x090, QUEUE_DEVICE = 0x0a0, CONFIG_GENERATION = 0x0fc, CONFIG = 0x100,
};
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
enum { NEXT = 1, WRITE = 2 };
enum { PATIENCE = 200000000 };

/* The compiler calls it to clear structures. */
void *memset(void *to, int value, u64 count)
{
    volatile u8 *p = to;

    while (count--)
        *p++ = (u8)value;
    return to;
}

static void put(volatile u8 *registers, u32 offset, u32 value)
{
    __asm__ volatile("fence iorw, iorw" ::: "memory");
    *(volatile u32 *)(registers + offset) = value;
}

static u32 get(volatile u8 *registers, u32 offset)
{
    u32 value = *(volatile u32 *)(registers + offset);

    __asm__ volatile("fence iorw, iorw" ::: "memory");
    return value;
}

u32 virtio_id(u64 address)
{
    volatile u8 *registers = (volatile u8 *)address;

    return get(registers, MAGIC) == 0x74726976 && get(registers, VERSION) == 2 ? get(registers, DEVICE_ID) : 0;
}

/* 3.1.1 Driver Requirements: Device Initialization, steps 1 to 6. */
int virtio_start(u64 address, u64 wanted)
{
    volatile u8 *registers = (volatile u8 *)address;
    u32 word;

    put(registers, STATUS, 0);
    while (get(registers, STATUS) != 0)
        ;
    put(registers, STATUS, ACKNOWLEDGE);
    put(registers, STATUS, ACKNOWLEDGE | DRIVER);
    for (word = 0; word < 2; word++) {
        put(registers, DEVICE_FEATURES_SEL, word);
        put(registers, DRIVER_FEATURES_SEL, word);
        put(registers, DRIVER_FEATURES, get(registers, DEVICE_FEATURES) & (u32)(wanted >> (32 * word)));
    }
    put(registers, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    return get(registers, STATUS) & FEATURES_OK ? 0 : -1;
}

static void put64(volatile u8 *registers, u32 offset, const volatile void *address)
{
    put(registers, offset, (u32)(u64)address);
    put(registers, offset + 4, (u32)((u64)address >> 32));
}

int virtio_ring(struct ring *ring, u64 address, u32 index)
{
    volatile u8 *registers = (volatile u8 *)address;

    ring->registers = registers;
    ring->index = index;
    put(registers, QUEUE_SEL, index);
    if (get(registers, QUEUE_READY) != 0 || get(registers, QUEUE_NUM_MAX) < RING_SIZE)
        return -1;
    put(registers, QUEUE_NUM, RING_SIZE);
    put64(registers, QUEUE_DESC, ring->descriptors);
    put64(registers, QUEUE_DRIVER, &ring->available);
    put64(registers, QUEUE_DEVICE, &ring->used);
    put(registers, QUEUE_READY, 1);
    return 0;
}

void virtio_ready(u64 address)
{
    put((volatile u8 *)address, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

long virtio_request(struct ring *ring, const struct buffer *buffers, u32 count)
{
    u32 i;
    long patience;

    for (i = 0; i < count; i++) {
        ring->descriptors[i].address = (u64)buffers[i].address;
        ring->descriptors[i].length = buffers[i].length;
        ring->descriptors[i].flags = (u16)((i + 1 < count ? NEXT : 0) | (buffers[i].device_writes ? WRITE : 0));
        ring->descriptors[i].next = (u16)(i + 1);
    }
    ring->available.entries[ring->available.index % RING_SIZE] = 0;
    /* The entry before the index (2.7.13.2), the index before the notification (2.7.13.4). */
    __asm__ volatile("fence rw, w" ::: "memory");
    *(volatile u16 *)&ring->available.index = (u16)(ring->available.index + 1);
    put(ring->registers, QUEUE_NOTIFY, ring->index);
    for (patience = PATIENCE; *(volatile u16 *)&ring->used.index == ring->seen; patience--)
        if (patience == 0)
            return -1;
    __asm__ volatile("fence r, rw" ::: "memory");
    put(ring->registers, INTERRUPT_ACK, get(ring->registers, INTERRUPT_STATUS));
    return ring->used.entries[ring->seen++ % RING_SIZE].length;
}

u64 virtio_config64(u64 address, u32 offset)
{
    volatile u8 *registers = (volatile u8 *)address;
    u32 before, low, high;

    do {
        before = get(registers, CONFIG_GENERATION);
        low = get(registers, CONFIG + offset);
        high = get(registers, CONFIG + offset + 4);
    } while (get(registers, CONFIG_GENERATION) != before);
    return (u64)high << 32 | low;
}
