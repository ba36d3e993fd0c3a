using Eider.Cli.Errors;
using Eider.Cli.Sessions;
using Eider.Hardware.Lifecycle;

namespace Eider.Cli.Tests.Sessions;

public sealed class TraceWriterTests
{
    [Fact]
    public void An_event_is_one_line_with_all_its_numbers()
    {
        var text = new StringWriter();
        using var trace = new TraceWriter(() => text);

        trace.Emit(new TraceEvent(TraceCategory.Block, "vda", "write", 0x1000, 0, 512));

        Assert.Equal("blk vda write 0x1000 512 0x0", text.ToString().TrimEnd());
    }

    [Fact]
    public void Categories_are_named_in_a_list() =>
        Assert.Equal(TraceCategory.Mmio | TraceCategory.Block, TraceWriter.ParseCategories("mmio,blk"));

    [Theory]
    [InlineData("")]
    [InlineData("disk")]
    [InlineData("mmio,")]
    public void Unknown_categories_are_refused_with_the_known_ones(string list) =>
        Assert.Contains(
            "pio, mmio, virtio, blk",
            Assert.Throws<CliException>(() => TraceWriter.ParseCategories(list)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_trace_that_cannot_be_written_does_not_stop_the_machine()
    {
        using var trace = new TraceWriter(() => new StreamWriter(new FullStream(), bufferSize: 1) { AutoFlush = true });

        for (var i = 0; i < 100; i++)
        {
            trace.Emit(new TraceEvent(TraceCategory.Mmio, "mmio", "read", (ulong)i, 0, 4));
        }
    }

    private sealed class FullStream : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count) => throw new IOException("No space left on device");

        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("No space left on device");
    }
}
