/* A guest without an operating system that drives a virtio disk over PCI and checks MSI-X: what Linux cannot show on this board. */
#include "pci.h"

enum { DISK = 0x1042, QUEUES = 3, FIRST_PLACE = 0x40000000, SECOND_PLACE = 0x5a000000 };
enum { PATIENCE = 50000000 };

static u64 ecam;
static struct function disk;
static volatile u32 mail[QUEUES + 1];   /* where messages land: one word for each vector */
static u8 sector[512];

static void found(u64 address)
{
    ecam = address;
}

/* A message may come after the used ring shows the request: the device sends it later. */
static int arrives(u32 vector, u32 value)
{
    long patience;

    for (patience = PATIENCE; patience && mail[vector] != value; patience--)
        ;
    return mail[vector] == value;
}

static int others_are_empty(u32 vector)
{
    u32 i, sum = 0;

    for (i = 0; i <= QUEUES; i++)
        sum += i == vector ? 0 : mail[i];
    return sum == 0;
}

static void empty(void)
{
    u32 i;

    for (i = 0; i <= QUEUES; i++)
        mail[i] = 0;
}

static int becomes_pending(u32 bits)
{
    long patience;

    for (patience = PATIENCE / 10; patience && msix_pending(&disk) != bits; patience--)
        ;
    return msix_pending(&disk) == bits;
}

static void start(void)
{
    static const u16 vectors[QUEUES] = { 1, 2, 3 };
    u32 vector;

    check(function_find(&disk, ecam, 0x1af4, DISK) == 0, "a virtio disk is on the bus");
    function_place(&disk, FIRST_PLACE);
    check(disk.bar_size == 0x10000, "its registers take 64 KiB");
    check(function_read_capabilities(&disk) == 0, "its capabilities are complete");
    check(msix_vectors(&disk) == QUEUES + 1, "it has a vector for each queue and one for its configuration");
    for (vector = 0; vector <= QUEUES; vector++) {
        check(get32(disk.bar + disk.table + 16 * vector + 12) == 1, "a vector is masked at first");
        msix_program(&disk, vector, (u64)&mail[vector], 0x100 + vector, 0);
    }
    msix_control(&disk, MSIX_ENABLE);
    check(disk_start(&disk, QUEUES, vectors, 0) == 0, "it starts, and keeps the vectors that it was given");
}

static void try_each_queue(void)
{
    u32 queue;

    for (queue = 0; queue < QUEUES; queue++) {
        empty();
        check(disk_read(&disk, queue, queue, sector) == 0 && sector[0] == 'a' + queue, "a queue reads its sector");
        check(arrives(queue + 1, 0x101 + queue), "its own message came");
        check(others_are_empty(queue + 1), "and no other");
    }
    check(disk_isr(&disk) == 0, "ISR status stays 0 while messages are used");
}

static void try_masks(void)
{
    empty();
    msix_mask(&disk, 2, 1);
    disk_read(&disk, 1, 1, sector);
    check(becomes_pending(4), "a masked vector becomes pending");
    check(mail[2] == 0, "and sends nothing");
    msix_mask(&disk, 2, 0);
    check(arrives(2, 0x102) && msix_pending(&disk) == 0, "without the mask it is sent, and not pending any more");

    empty();
    msix_control(&disk, MSIX_ENABLE | MSIX_MASK_ALL);
    disk_read(&disk, 0, 0, sector);
    disk_read(&disk, 2, 2, sector);
    check(becomes_pending(2 | 8) && others_are_empty(0), "the function's mask holds all vectors");
    msix_control(&disk, MSIX_ENABLE);
    check(arrives(1, 0x101) && arrives(3, 0x103), "without it they are sent");
}

static void try_move(void)
{
    empty();
    msix_mask(&disk, 1, 1);
    disk_read(&disk, 0, 0, sector);
    check(becomes_pending(2), "a vector is pending before the tables move");
    function_place(&disk, SECOND_PLACE);
    check(get32(FIRST_PLACE + disk.table) == ~0u, "nobody is at the old place");
    check(get32(disk.bar + disk.table + 16 + 8) == 0x101 && msix_pending(&disk) == 2, "the tables moved as they were");
    msix_mask(&disk, 1, 0);
    check(arrives(1, 0x101), "the message comes from the new place");
    check(disk_read(&disk, 2, 2, sector) == 0 && arrives(3, 0x103), "the disk works there");
}

/* A message to the software interrupt register of this hart is an interrupt. */
static void try_interrupt(void)
{
    long patience;
    u32 count = 0;

    traps_taken();
    msix_program(&disk, 1, CLINT, 1, 0);
    traps_on(SOFTWARE);
    disk_read(&disk, 0, 0, sector);
    for (patience = PATIENCE; patience && !count; patience--)
        count += traps_taken();
    traps_off();
    check(count == 1, "a message interrupted this hart once");
    check(get32(CLINT) == 0, "and was taken back");
}

static void try_wire(void)
{
    u32 source = FIRST_WIRE + disk.device % 4;
    long patience;
    u32 count = 0;

    msix_control(&disk, 0);
    wire_on(source);
    traps_taken();
    traps_on(EXTERNAL);
    disk_read(&disk, 0, 0, sector);
    for (patience = PATIENCE; patience && !count; patience--)
        count += traps_taken();
    traps_off();
    check(count == 1, "without messages the wire interrupts");
    check(wire_claim() == source, "by the source of its device number");
    check(get16(disk.config + STATUS_REGISTER) & 8, "its status says so");
    check(disk_isr(&disk) == 1 && disk_isr(&disk) == 0, "ISR status tells of a queue and clears");
    wire_complete(source);
    check(wire_claim() == 0, "and the wire is low again");
    put16(disk.config + COMMAND, MEMORY_SPACE | BUS_MASTER | INTERRUPT_DISABLE);
    disk_read(&disk, 0, 0, sector);
    for (patience = PATIENCE / 10; patience && !(get16(disk.config + STATUS_REGISTER) & 8); patience--)
        ;
    check(get16(disk.config + STATUS_REGISTER) & 8 && wire_claim() == 0, "interrupt disable keeps the wire low");
}

void demo(u64 hart, const void *fdt)
{
    (void)hart;
    fdt_each(fdt, "pci-host-ecam-generic", found);
    check(ecam != 0, "the device tree names the PCI bus");
    if (ecam) {
        start();
        try_each_queue();
        try_masks();
        try_move();
        try_interrupt();
        try_wire();
    }
    finish("pci");
}
