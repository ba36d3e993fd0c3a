using Eider.RiscV.Decoding;

namespace Eider.RiscV.Tests;

public sealed class DecoderTests
{
    // Pairs from the listings: left the compressed instruction, right the one that it stands for.
    [Theory]
    [InlineData(0x0048, 0x00410513)] // c.addi4spn a0, 4      addi a0, sp, 4
    [InlineData(0x1FFC, 0x3FC10793)] // c.addi4spn a5, 1020   addi a5, sp, 1020
    [InlineData(0x4108, 0x00052503)] // c.lw a0, 0(a0)        lw a0, 0(a0)
    [InlineData(0x6D1C, 0x01853783)] // c.ld a5, 24(a0)       ld a5, 24(a0)
    [InlineData(0xC11C, 0x00F52023)] // c.sw a5, 0(a0)        sw a5, 0(a0)
    [InlineData(0xE51C, 0x00F53423)] // c.sd a5, 8(a0)        sd a5, 8(a0)
    [InlineData(0x2108, 0x00053507)] // c.fld fa0, 0(a0)      fld fa0, 0(a0)
    [InlineData(0xA108, 0x00A53027)] // c.fsd fa0, 0(a0)      fsd fa0, 0(a0)
    [InlineData(0x1141, 0xFF010113)] // c.addi sp, -16        addi sp, sp, -16
    [InlineData(0x2505, 0x0015051B)] // c.addiw a0, 1         addiw a0, a0, 1
    [InlineData(0x4501, 0x00000513)] // c.li a0, 0            addi a0, x0, 0
    [InlineData(0x5A4D, 0xFF300A13)] // c.li s4, -13          addi s4, x0, -13
    [InlineData(0x7139, 0xFC010113)] // c.addi16sp -64        addi sp, sp, -64
    [InlineData(0x6785, 0x000017B7)] // c.lui a5, 1           lui a5, 1
    [InlineData(0x77FD, 0xFFFFF7B7)] // c.lui a5, -1          lui a5, 0xfffff
    [InlineData(0x8111, 0x00455513)] // c.srli a0, 4          srli a0, a0, 4
    [InlineData(0x9501, 0x42055513)] // c.srai a0, 32         srai a0, a0, 32
    [InlineData(0x8905, 0x00157513)] // c.andi a0, 1          andi a0, a0, 1
    [InlineData(0x8D0D, 0x40B50533)] // c.sub a0, a1          sub a0, a0, a1
    [InlineData(0x8D2D, 0x00B54533)] // c.xor a0, a1
    [InlineData(0x8D4D, 0x00B56533)] // c.or a0, a1
    [InlineData(0x8D6D, 0x00B57533)] // c.and a0, a1
    [InlineData(0x9D0D, 0x40B5053B)] // c.subw a0, a1
    [InlineData(0x9D2D, 0x00B5053B)] // c.addw a0, a1
    [InlineData(0xA001, 0x0000006F)] // c.j 0
    [InlineData(0xBFFD, 0xFFFFF06F)] // c.j -2
    [InlineData(0xC101, 0x00050063)] // c.beqz a0, 0
    [InlineData(0xFD7D, 0xFE051FE3)] // c.bnez a0, -2
    [InlineData(0x0506, 0x00151513)] // c.slli a0, 1
    [InlineData(0x4502, 0x00012503)] // c.lwsp a0, 0(sp)
    [InlineData(0x60A2, 0x00813083)] // c.ldsp ra, 8(sp)
    [InlineData(0x2502, 0x00013507)] // c.fldsp fa0, 0(sp)
    [InlineData(0x2002, 0x00013007)] // c.fldsp ft0, 0(sp): f0 is a register like any other
    [InlineData(0x8082, 0x00008067)] // ret
    [InlineData(0x9502, 0x000500E7)] // c.jalr a0
    [InlineData(0x852E, 0x00B00533)] // c.mv a0, a1           add a0, x0, a1
    [InlineData(0x952E, 0x00B50533)] // c.add a0, a1
    [InlineData(0x9002, 0x00100073)] // c.ebreak
    [InlineData(0xC02A, 0x00A12023)] // c.swsp a0, 0(sp)
    [InlineData(0xE406, 0x00113423)] // c.sdsp ra, 8(sp)
    [InlineData(0xA02A, 0x00A13027)] // c.fsdsp fa0, 0(sp)
    public void Spec_C_listing_a_compressed_instruction_expands_to_its_definition(uint compressed, uint expanded) =>
        Assert.Equal($"{expanded:x8}", $"{CompressedExpander.Expand(compressed):x8}");

    [Theory]
    [InlineData(0x0000)] // the all-zero halfword
    [InlineData(0x0004)] // c.addi4spn with immediate 0
    [InlineData(0x8000)] // quadrant 0, funct3 100
    [InlineData(0x2001)] // c.addiw x0
    [InlineData(0x6101)] // c.addi16sp 0
    [InlineData(0x6781)] // c.lui a5, 0
    [InlineData(0x9C41)] // quadrant 1, funct3 100, 11, 1, 10
    [InlineData(0x9C61)] // quadrant 1, funct3 100, 11, 1, 11
    [InlineData(0x4002)] // c.lwsp x0
    [InlineData(0x6002)] // c.ldsp x0
    [InlineData(0x8002)] // c.jr x0
    public void Spec_C_listing_a_reserved_compressed_encoding_is_illegal(uint compressed) =>
        Assert.Equal(OpCode.Illegal, Decoder.Decode(CompressedExpander.Expand(compressed), 2).Code);

    [Theory]
    [InlineData(0x00000000u)]
    [InlineData(0xFFFFFFFFu)]
    [InlineData(0x0000001Fu)] // longer than 32 bits
    [InlineData(0x00007003u)] // load, funct3 7
    [InlineData(0x00004023u)] // store, funct3 4
    [InlineData(0x00002063u)] // branch, funct3 2
    [InlineData(0x00001067u)] // jalr, funct3 1
    [InlineData(0x0200101Bu)] // slliw with shift bit 5
    [InlineData(0x0200501Bu)] // srliw with shift bit 5
    [InlineData(0x10100073u)] // an unknown privileged instruction
    [InlineData(0x00004073u)] // system, funct3 4
    [InlineData(0x0000202Fu | (5u << 27))] // an unknown atomic
    [InlineData(0x1010202Fu)] // lr.w with rs2
    [InlineData(0x0000002Fu)] // an atomic of a byte
    [InlineData(0x02003033u | (3u << 25))] // an unknown funct7
    public void A_reserved_encoding_is_illegal(uint word) => Assert.Equal(OpCode.Illegal, Decoder.Decode(word, 4).Code);

    [Fact]
    public void No_word_makes_the_decoder_fail_or_name_a_register_that_does_not_exist()
    {
        var random = new Random(20);
        for (var i = 0; i < 1_000_000; i++)
        {
            var word = unchecked((uint)random.Next() * 2u) ^ (uint)random.Next();
            var op = Decoder.Decode((word & 3) == 3 ? word : CompressedExpander.Expand(word & 0xFFFF), 4);
            Assert.True(Enum.IsDefined(op.Code) && op.Rd <= Op.SinkRegister && op.Rs1 < 32 && op.Rs2 < 32, $"{word:x8}");
        }
    }
}
