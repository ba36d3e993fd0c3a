using System.Runtime.Versioning;

namespace Eider.Cli.Tests.Packages;

/// <summary>Whatever a caller can notice changes the listing: here it is, line by line.</summary>
public sealed class ApiListingTests
{
    public interface IShape
    {
        static abstract int Sides { get; }

        string Name => "shape";
    }

    public abstract class Sample : IShape
    {
        protected internal const long Limit = 1L << 40;

        private string _text = "";

        protected Sample(string text, object? tag = null) => (_text, Tag) = (text, tag);

        public static int Sides => 3;

        public object? Tag { get; protected set; }

        public required IReadOnlyList<string?> Names { get; init; }

        public ref string Text => ref _text;

        public abstract bool TryTake<T>(in T value, ref int count, out string? text)
            where T : struct;

        public override string ToString() => _text;

        [Obsolete("for the listing")]
        [UnsupportedOSPlatform("windows")]
        public void Fade() => _text = "";

        public static TItem First<TItem>(params TItem[] items)
            where TItem : class, IShape => items[0];

        internal void Hidden() => _text = "";
    }

    [Flags]
    public enum Marks : byte
    {
        None = 0,
        Loud = 1,
    }

    [Fact]
    public void A_type_shows_null_init_required_references_constraints_and_what_can_be_derived() => Assert.Equal(
        """
        abstract class Eider.Cli.Tests.Packages.ApiListingTests.Sample : ApiListingTests.IShape
            [UnsupportedOSPlatform("windows")] [Obsolete] void Fade()
            abstract bool TryTake<T>(in T value, ref int count, out string? text) where T : struct
            object? Tag { get; protected set; }
            override string ToString()
            protected const long Limit = 1099511627776
            protected new(string text, object? tag = default)
            ref string Text { get; }
            required IReadOnlyList<string?> Names { get; init; }
            static TItem First<TItem>(params TItem[] items) where TItem : class, ApiListingTests.IShape
            static int Sides { get; }

        """,
        ApiListing.Of([typeof(Sample)]));

    [Fact]
    public void An_enumeration_shows_its_type_and_its_numbers_and_an_interface_what_has_a_body() => Assert.Equal(
        "interface Eider.Cli.Tests.Packages.ApiListingTests.IShape\n    default string Name { get; }\n    static abstract int Sides { get; }\n"
        + "[Flags] enum Eider.Cli.Tests.Packages.ApiListingTests.Marks : byte\n    Loud = 1\n    None = 0\n",
        ApiListing.Of([typeof(Marks), typeof(IShape)]));
}
