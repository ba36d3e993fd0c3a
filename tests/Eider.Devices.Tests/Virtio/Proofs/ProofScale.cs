namespace Eider.Devices.Tests.Virtio.Proofs;

/// <summary>
/// How much of a proof runs: a slice with every test run; all of it by <c>./test --proofs</c>, which sets
/// <c>EIDER_PROOFS=full</c>; a thin sample by <c>./test --mutation</c>, which runs the tests hundreds of times
/// (<c>EIDER_PROOFS=sample</c>).
/// </summary>
internal static class ProofScale
{
    private static readonly string? Setting = Environment.GetEnvironmentVariable("EIDER_PROOFS");

    /// <summary>True if every case is to be looked at.</summary>
    public static bool IsFull => Setting == "full";

    /// <summary>True if a few cases are enough.</summary>
    public static bool IsSample => Setting == "sample";

    /// <summary>Each how-manieth state of a large space is looked at.</summary>
    public static int StateStep => IsSample ? 211 : 1;

    /// <summary>Each how-manieth of the 16-bit numbers is asked for.</summary>
    public static int AskedStep => IsFull ? 1 : IsSample ? 2048 : 16;
}
