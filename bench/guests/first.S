# The shortest guest: its first instructions send one byte through the 16550, then it sleeps for good.
    .section .text.start, "ax"
    .globl _start
_start:
    lui     t0, 0x10000
    li      t1, '!'
    sb      t1, 0(t0)
1:  wfi
    j       1b
