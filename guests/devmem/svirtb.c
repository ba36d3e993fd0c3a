/* KeOS's driver as a program: ring and data are pages of its own. */
#include "devmem.h"
#include "../svirtb/keos.h"

static struct svirtb disk;

static void found(u64 address)
{
    disk.registers = (volatile u32 *)registers(address);
}

void try_svirtb(void)
{
    struct page ring, data;

    fdt_each(device_tree(), "keos,svirtb", found);
    check(disk.registers != 0, "the device tree names a Simple VirtIO Block device");
    if (!disk.registers)
        return;
    ring = take_page();
    data = take_page();
    disk.ring = (volatile struct entry *)ring.memory;
    disk.ring_address = ring.address;
    disk.ring_size = PAGE / sizeof(struct entry);
    disk.data = data.memory;
    disk.data_address = data.address;
    grade_single(&disk);
    grade_batch(&disk);
    grade_errors(&disk);
}
