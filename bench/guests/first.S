# The shortest guest: its first instructions read the real-time clock (Goldfish RTC, nanoseconds since 1970), then it says
# through the 16550 what the clock showed, 16 hexadecimal digits and an end of line, and sleeps for good.
    .section .text.start, "ax"
    .globl _start
_start:
    li      t0, 0x101000
    lwu     t1, 0(t0)           # TIME_LOW, which latches TIME_HIGH
    lwu     t2, 4(t0)
    slli    t2, t2, 32
    or      t1, t1, t2
    lui     t0, 0x10000
    li      t3, 16
1:  srli    t4, t1, 60
    slli    t1, t1, 4
    addi    t4, t4, '0'
    li      t5, '9'
    bleu    t4, t5, 2f
    addi    t4, t4, 'a' - '0' - 10
2:  sb      t4, 0(t0)
    addi    t3, t3, -1
    bnez    t3, 1b
    li      t4, '\n'
    sb      t4, 0(t0)
3:  wfi
    j       3b
