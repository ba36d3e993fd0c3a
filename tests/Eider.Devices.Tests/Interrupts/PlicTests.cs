using Eider.Devices.Interrupts;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;

namespace Eider.Devices.Tests.Interrupts;

/// <summary>RISC-V Platform-Level Interrupt Controller Specification 1.0.0; clause names are its sections.</summary>
public sealed class PlicTests
{
    private const ulong Pending = 0x1000;
    private const ulong Enable = 0x2000;
    private const ulong Threshold = 0x20_0000;
    private const ulong Claim = 0x20_0004;
    private const int SupervisorOf0 = 1;

    private readonly HartPins[] _pins = [new(), new()];
    private readonly Plic _plic;

    public PlicTests() => _plic = new Plic(_pins);

    private bool Seip0 => (_pins[0].Levels & (1 << (int)HartPin.Seip)) != 0;

    [Fact]
    public void Spec_InterruptPriorities_are_one_register_a_source_and_source_0_reads_0()
    {
        _plic.Write32(4 * 10, 5);
        _plic.Write32(0, 7);
        _plic.Write32(4 * 96, 7);
        Assert.Equal(5U, _plic.Read32(4 * 10));
        Assert.Equal(0U, _plic.Read32(0));
        Assert.Equal(0U, _plic.Read32(4 * 96));
        _plic.Write32(4 * 10, 0xFFFF_FFFF);
        Assert.Equal(7U, _plic.Read32(4 * 10));
    }

    [Fact]
    public void Spec_InterruptPending_bits_show_forwarded_requests_and_cannot_be_written()
    {
        _plic.GetLine(40).SetLevel(true);
        _plic.Write32(Pending, 0xFFFF_FFFF);
        Assert.Equal(0U, _plic.Read32(Pending));
        Assert.Equal(1U << 8, _plic.Read32(Pending + 4));
    }

    [Theory]
    [InlineData(0, HartPin.Meip, 0)]
    [InlineData(0, HartPin.Seip, 1)]
    [InlineData(1, HartPin.Meip, 2)]
    [InlineData(1, HartPin.Seip, 3)]
    public void Each_context_drives_its_own_pin(int hart, HartPin pin, int context)
    {
        Open(context, source: 95, priority: 1);
        _plic.GetLine(95).SetLevel(true);
        Assert.Equal(1U << (int)pin, _pins[hart].Levels);
        Assert.Equal(0U, _pins[1 - hart].Levels);
    }

    [Fact]
    public void Spec_PriorityThresholds_mask_the_line_of_equal_and_lower_priorities_but_not_the_claim()
    {
        Open(SupervisorOf0, 10, priority: 3);
        _plic.Write32(Threshold + 0x1000, 3);
        _plic.GetLine(10).SetLevel(true);
        Assert.False(Seip0);
        _plic.Write32(Threshold + 0x1000, 2);
        Assert.True(Seip0);
        _plic.Write32(Threshold + 0x1000, 7);
        Assert.Equal(10U, _plic.Read32(Claim + 0x1000));
    }

    [Fact]
    public void Spec_InterruptPriorities_zero_never_interrupts_and_is_not_claimed()
    {
        Open(SupervisorOf0, 10, priority: 0);
        _plic.GetLine(10).SetLevel(true);
        Assert.False(Seip0);
        Assert.Equal(0U, _plic.Read32(Claim + 0x1000));
    }

    [Fact]
    public void Spec_InterruptClaim_gives_the_highest_priority_then_the_lowest_number_then_0()
    {
        Open(SupervisorOf0, 40, priority: 2);
        Open(SupervisorOf0, 10, priority: 1);
        Open(SupervisorOf0, 70, priority: 2);
        foreach (var source in new[] { 70, 10, 40 })
        {
            _plic.GetLine(source).SetLevel(true);
        }

        Assert.Equal(40U, _plic.Read32(Claim + 0x1000));
        Assert.Equal(70U, _plic.Read32(Claim + 0x1000));
        Assert.True(Seip0);
        Assert.Equal(10U, _plic.Read32(Claim + 0x1000));
        Assert.False(Seip0);
        Assert.Equal(0U, _plic.Read32(Claim + 0x1000));
    }

    [Fact]
    public void Spec_InterruptGateways_forward_one_request_until_it_is_completed()
    {
        Open(SupervisorOf0, 10, priority: 1);
        var line = _plic.GetLine(10);
        line.SetLevel(true);
        Assert.Equal(10U, _plic.Read32(Claim + 0x1000));
        line.SetLevel(false);
        line.SetLevel(true);
        Assert.False(Seip0);
        Assert.Equal(0U, _plic.Read32(Pending));
        _plic.Write32(Claim + 0x1000, 10);
        Assert.True(Seip0);
        Assert.Equal(1U << 10, _plic.Read32(Pending));
    }

    [Fact]
    public void Spec_InterruptGateways_keep_a_request_whose_level_fell_before_the_claim()
    {
        Open(SupervisorOf0, 10, priority: 1);
        _plic.GetLine(10).SetLevel(true);
        _plic.GetLine(10).SetLevel(false);
        Assert.True(Seip0);
        Assert.Equal(10U, _plic.Read32(Claim + 0x1000));
        _plic.Write32(Claim + 0x1000, 10);
        Assert.False(Seip0);
    }

    [Fact]
    public void Spec_InterruptCompletion_for_a_source_that_is_not_enabled_for_the_target_is_ignored()
    {
        Open(SupervisorOf0, 10, priority: 1);
        _plic.GetLine(10).SetLevel(true);
        Assert.Equal(10U, _plic.Read32(Claim + 0x1000));
        _plic.Write32(Claim + 0x3000, 10);
        _plic.Write32(Claim + 0x1000, 11);
        _plic.Write32(Claim + 0x1000, 0xFFFF_FFFF);
        Assert.False(Seip0);
        _plic.Write32(Claim + 0x1000, 10);
        Assert.True(Seip0);
    }

    [Fact]
    public void Spec_InterruptEnables_cover_existing_sources_only_and_take_the_line_down_when_cleared()
    {
        _plic.Write32(Enable + 0x80, 0xFFFF_FFFF);
        Assert.Equal(0xFFFF_FFFEU, _plic.Read32(Enable + 0x80));
        var small = new Plic(_pins, sourceCount: 40);
        small.Write32(Enable + 4, 0xFFFF_FFFF);
        Assert.Equal(0x1FFU, small.Read32(Enable + 4));

        Open(SupervisorOf0, 10, priority: 1);
        _plic.GetLine(10).SetLevel(true);
        Assert.True(Seip0);
        _plic.Write32(Enable + 0x80, 0);
        Assert.False(Seip0);
    }

    [Fact]
    public void Linux_start_up_clears_enables_and_sets_priorities_by_read_modify_write()
    {
        for (var context = 0UL; context < 4; context++)
        {
            _plic.Write32(Threshold + (0x1000 * context), 0);
            for (var source = 1UL; source <= 95; source++)
            {
                var word = Enable + (0x80 * context) + (source / 32 * 4);
                _plic.Write32(word, _plic.Read32(word) & ~(1U << (int)(source % 32)));
                _plic.Write32(4 * source, 1);
            }
        }

        _plic.GetLine(10).SetLevel(true);
        Assert.False(Seip0);
        _plic.Write32(Enable + 0x80, 1 << 10);
        Assert.True(Seip0);
    }

    [Fact]
    public void Registers_take_aligned_32_bit_accesses_only_and_contexts_that_do_not_exist_read_0()
    {
        var data = new byte[8];
        Assert.Equal(BusStatus.InvalidSize, _plic.Read(0UL, 4UL, data.AsSpan(0, 8)).Status);
        Assert.Equal(BusStatus.InvalidSize, _plic.Write(0UL, 4UL, data.AsSpan(0, 1)).Status);
        Assert.Equal(BusStatus.Unaligned, _plic.Read(0UL, 6UL, data.AsSpan(0, 4)).Status);
        Assert.Equal(0U, _plic.Read32(Enable + (0x80 * 4)));
        Assert.Equal(0U, _plic.Read32(Claim + (0x1000 * 4)));
        Assert.Equal(0U, _plic.Read32(Threshold + 8));
    }

    [Fact]
    public void Reset_ends_claims_and_masks_everything_but_a_level_that_is_high_stays_pending()
    {
        Open(SupervisorOf0, 10, priority: 1);
        _plic.GetLine(10).SetLevel(true);
        _plic.GetLine(11).SetLevel(true);
        _plic.Read32(Claim + 0x1000);
        _plic.GetLine(11).SetLevel(false);
        _plic.Reset();
        Assert.False(Seip0);
        Assert.Equal(0U, _plic.Read32(4 * 10));
        Assert.Equal(1U << 10, _plic.Read32(Pending));
    }

    [Fact]
    public void Whatever_the_guest_sends_is_answered() => _plic.AssertAnyAccessIsAnswered(Plic.SizeBytes, seed: 1);

    [Fact]
    public void Lines_driven_by_many_threads_leave_the_pin_at_the_level_of_the_last_state()
    {
        for (var source = 1; source <= 4; source++)
        {
            Open(SupervisorOf0, source, priority: 1);
        }

        Parallel.For(1, 5, source =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                _plic.GetLine(source).SetLevel(true);
                _plic.GetLine(source).SetLevel(false);
            }
        });
        Assert.True(Seip0);
        uint claimed;
        while ((claimed = _plic.Read32(Claim + 0x1000)) != 0)
        {
            _plic.Write32(Claim + 0x1000, claimed);
        }

        Assert.False(Seip0);
    }

    private void Open(int context, int source, uint priority)
    {
        _plic.Write32(4 * (ulong)source, priority);
        var word = Enable + (0x80 * (ulong)context) + ((ulong)source / 32 * 4);
        _plic.Write32(word, _plic.Read32(word) | (1U << (source % 32)));
    }
}
