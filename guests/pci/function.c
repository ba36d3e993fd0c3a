/* Configuration space of one function: PCI Local Bus 3.0, chapter 6; the capabilities of virtio 1.3, section 4.1.4. */
#include "pci.h"

enum { COMMON = 1, NOTIFY = 2, ISR = 3, DEVICE_CONFIG = 4 };

int function_find(struct function *function, u64 ecam, u16 vendor, u16 device)
{
    u32 number;

    for (number = 0; number < 32; number++) {
        function->config = ecam + ((u64)number << 15);
        function->device = number;
        if (get16(function->config + VENDOR) == vendor && get16(function->config + DEVICE) == device)
            return 0;
    }
    return -1;
}

/* The size by writing ones, then the address; the function answers from here on. */
void function_place(struct function *function, u64 address)
{
    if (!function->bar_size) {
        put32(function->config + BAR0, ~0u);
        function->bar_size = ~(get32(function->config + BAR0) & ~15u) + 1;
    }
    put32(function->config + BAR0, (u32)address);
    function->bar = address;
    put16(function->config + COMMAND, MEMORY_SPACE | BUS_MASTER);
}

int function_read_capabilities(struct function *function)
{
    u64 at;
    u32 next, found = 0;

    for (next = get8(function->config + CAPABILITIES); next; next = get8(at + 1)) {
        at = function->config + next;
        if (get8(at) == MSIX) {
            function->msix = next;
            function->table = get32(at + 4) & ~7u;
            function->pending = get32(at + 8) & ~7u;
            if (get32(at + 4) & 7 || get32(at + 8) & 7)
                return -1;
        } else if (get8(at) == VENDOR_SPECIFIC && get8(at + 4) == 0) {
            u32 offset = get32(at + 8);

            found |= 1u << get8(at + 3);
            switch (get8(at + 3)) {
            case COMMON:
                function->common = offset;
                break;
            case NOTIFY:
                function->notify = offset;
                function->notify_multiplier = get32(at + 16);
                break;
            case ISR:
                function->isr = offset;
                break;
            case DEVICE_CONFIG:
                function->device_config = offset;
                break;
            }
        }
    }
    return function->msix && (found & 0x1e) == 0x1e ? 0 : -1;
}

void msix_control(struct function *function, u16 bits)
{
    put16(function->config + function->msix + 2, bits);
}

u16 msix_vectors(struct function *function)
{
    return (get16(function->config + function->msix + 2) & 0x7ff) + 1;
}

void msix_program(struct function *function, u32 vector, u64 address, u32 data, u32 masked)
{
    u64 entry = function->bar + function->table + 16 * vector;

    put32(entry, (u32)address);
    put32(entry + 4, (u32)(address >> 32));
    put32(entry + 8, data);
    put32(entry + 12, masked);
}

void msix_mask(struct function *function, u32 vector, u32 masked)
{
    put32(function->bar + function->table + 16 * vector + 12, masked);
}

u32 msix_pending(struct function *function)
{
    return get32(function->bar + function->pending);
}
