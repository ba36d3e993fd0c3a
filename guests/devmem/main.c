/* Tries each device that a program can drive by itself. The stack is as the kernel leaves it; nothing is read from it. */
#include "devmem.h"

void _start(void)
{
    __asm__ volatile(".option push\n\t.option norelax\n\tlla gp, __global_pointer$\n\t.option pop");
    try_svirtb();
    try_bio();
    finish("devmem");
}
