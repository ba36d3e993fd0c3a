using Eider.Hardware.Bus;
using Eider.Hardware.Resources;

namespace Eider.Hardware.Lifecycle;

/// <summary>A device whose life a <see cref="DeviceManager"/> runs: asked, given, registered, and removed again.</summary>
public interface IManagedDevice : IDeviceIo
{
    /// <summary>What it needs; asked once, before anything else.</summary>
    IReadOnlyList<ResourceConstraint> ResourceConstraints { get; }

    /// <summary>
    /// Takes what was granted, in the order of the constraints, and is ready for accesses when it returns. What it
    /// throws undoes the creation.
    /// </summary>
    void AssignResources(DeviceResources resources);

    /// <summary>
    /// Ends its life: no access reaches it any more; requests in flight end, workers stop, nothing is written or
    /// signalled afterwards. Called exactly once for each device that was created, whether or not that succeeded.
    /// </summary>
    /// <returns>
    /// Completes when all of that has happened. It never blocks for it: the workers may need the calling thread.
    /// </returns>
    ValueTask RemoveAsync();
}
