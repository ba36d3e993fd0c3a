/* What the parts of the demo guest share. */
#ifndef DEMO_H
#define DEMO_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

/* Device tree: calls found() with the register address of each node that is compatible. */
void fdt_each(const void *fdt, const char *compatible, void (*found)(u64 address));

/* Virtio over MMIO (virtio 1.3, section 4.2), split rings (2.7), one request at a time. */
enum { RING_SIZE = 8 };

struct buffer {
    void *address;
    u32 length;
    u32 device_writes;
};

struct ring {
    volatile u8 *registers;
    u32 index;
    struct { u64 address; u32 length; u16 flags, next; } descriptors[RING_SIZE] __attribute__((aligned(16)));
    struct { u16 flags, index, entries[RING_SIZE]; } available __attribute__((aligned(2)));
    struct { u16 flags, index; struct { u32 id, length; } entries[RING_SIZE]; } used __attribute__((aligned(4)));
    u16 seen;
};

u32 virtio_id(u64 registers);
int virtio_start(u64 registers, u64 wanted_features);
int virtio_ring(struct ring *ring, u64 registers, u32 index);
void virtio_ready(u64 registers);
/* Hands the buffers over as one chain and waits; gives the number of bytes that the device wrote, or -1. */
long virtio_request(struct ring *ring, const struct buffer *buffers, u32 count);
u64 virtio_config64(u64 registers, u32 offset);

#endif
