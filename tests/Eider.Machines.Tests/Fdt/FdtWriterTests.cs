using Eider.Machines.Fdt;

namespace Eider.Machines.Tests.Fdt;

/// <summary>Devicetree Specification 0.4, chapter 5.</summary>
public sealed class FdtWriterTests
{
    [Fact]
    public void Spec_5_a_tree_reads_back_as_it_was_written()
    {
        var writer = new FdtWriter();
        writer.Reserve(0x8000_0000, 0x1000);
        var phandle = writer.NewPhandle();
        var blob = writer.BeginNode("")
            .Cells("#address-cells", 2)
            .BeginNode("a@1").Strings("names", "x", "yz").Flag("empty").Bytes("odd", [1, 2, 3]).EndNode()
            .BeginNode("b").Cells64("reg", 0x1_0000_0002, 3).Cells("phandle", phandle).Cells("#address-cells", 1).EndNode()
            .EndNode()
            .ToArray();

        var reader = FdtReader.Read(blob);
        Assert.Equal([(0x8000_0000UL, 0x1000UL)], reader.Reservations);
        Assert.Equal(["a@1", "b"], reader.Root.Children.Select(child => child.Name));
        Assert.Equal(["x", "yz"], reader.Root["a@1"].Strings("names"));
        Assert.Empty(reader.Root["a@1"].Properties["empty"]);
        Assert.Equal([1, 2, 3], reader.Root["a@1"].Properties["odd"]);
        Assert.Equal([0x1_0000_0002UL, 3UL], reader.Root["b"].Cells64("reg"));
        Assert.Equal([1U], reader.Root["b"].Cells("#address-cells"));
    }

    [Fact]
    public void A_tree_that_makes_no_sense_is_refused()
    {
        Assert.Throws<InvalidOperationException>(() => new FdtWriter().BeginNode("x"));
        Assert.Throws<InvalidOperationException>(() => new FdtWriter().Flag("x"));
        Assert.Throws<InvalidOperationException>(() => new FdtWriter().BeginNode("").ToArray());
        Assert.Throws<InvalidOperationException>(() => new FdtWriter().BeginNode("").EndNode().BeginNode(""));
        Assert.Throws<InvalidOperationException>(
            () => new FdtWriter().BeginNode("").BeginNode("c").EndNode().Flag("late"));
    }
}
