using Eider.Devices.Virtio;

namespace Eider.Devices.Tests.Virtio;

/// <summary>Feature sets that the ring tests run with.</summary>
public static class FeatureSets
{
    public const ulong Split = 1UL << (int)VirtioFeature.Version1;
    public const ulong Packed = Split | (1UL << (int)VirtioFeature.RingPacked);
    public const ulong EventIdx = 1UL << (int)VirtioFeature.EventIdx;
    public const ulong Indirect = 1UL << (int)VirtioFeature.IndirectDesc;
    public const ulong InOrder = 1UL << (int)VirtioFeature.InOrder;
    public const ulong All = VirtioFeatures.Supported & ~(1UL << (int)VirtioFeature.AccessPlatform);

    /// <summary>Split and packed.</summary>
    public static TheoryData<ulong> Layouts => [Split | Indirect, Packed | Indirect];

    /// <summary>Split and packed, with and without each option of the rings.</summary>
    public static TheoryData<ulong> Every
    {
        get
        {
            var data = new TheoryData<ulong>();
            foreach (var layout in new[] { Split, Packed })
            {
                for (var i = 0; i < 8; i++)
                {
                    data.Add(layout | ((i & 1) != 0 ? EventIdx : 0) | ((i & 2) != 0 ? Indirect : 0) | ((i & 4) != 0 ? InOrder : 0));
                }
            }

            return data;
        }
    }
}
