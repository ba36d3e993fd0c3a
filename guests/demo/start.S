# Entry: a0 = hart, a1 = device tree. One hart works, others sleep.
    .section .text.start, "ax"
    .globl _start
_start:
    lla     t0, winner
    li      t1, 1
    amoswap.w.aq t1, t1, (t0)
    bnez    t1, sleep
    .option push
    .option norelax
    lla     gp, __global_pointer$
    .option pop
    lla     sp, stack_end
    lla     t0, bss_start
    lla     t1, bss_end
1:  bgeu    t0, t1, 2f
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       1b
2:  call    demo
sleep:
    wfi
    j       sleep

    .data
    .align  2
winner:
    .word   0
