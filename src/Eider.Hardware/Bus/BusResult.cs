namespace Eider.Hardware.Bus;

/// <summary>The answer to one access: a status and, when it is <see cref="BusStatus.Pending"/>, what to wait for.</summary>
public readonly struct BusResult : IEquatable<BusResult>
{
    private BusResult(BusStatus status, PendingAccess? pending)
    {
        Pending = pending;
        Status = status;
    }

    /// <summary>How the access ended.</summary>
    public BusStatus Status { get; }

    /// <summary>What to wait for; not null exactly when <see cref="Status"/> is <see cref="BusStatus.Pending"/>.</summary>
    public PendingAccess? Pending { get; }

    /// <summary>Done.</summary>
    public static BusResult Ok => new(BusStatus.Ok, null);

    /// <summary>The device will complete <paramref name="pending"/> later, from any thread.</summary>
    public static BusResult WaitFor(PendingAccess pending) => new(BusStatus.Pending, pending);

    /// <summary>A plain status; <see cref="BusStatus.Pending"/> needs <see cref="WaitFor"/>.</summary>
    public static implicit operator BusResult(BusStatus status) => FromStatus(status);

    /// <summary>A plain status; <see cref="BusStatus.Pending"/> needs <see cref="WaitFor"/>.</summary>
    /// <exception cref="ArgumentException">The status is <see cref="BusStatus.Pending"/>.</exception>
    public static BusResult FromStatus(BusStatus status) =>
        status == BusStatus.Pending
            ? throw new ArgumentException("a pending answer carries what to wait for", nameof(status))
            : new BusResult(status, null);

    /// <inheritdoc/>
    public bool Equals(BusResult other) => Status == other.Status && ReferenceEquals(Pending, other.Pending);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is BusResult other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Status, Pending);

    /// <summary>Equality of status and of what is waited for.</summary>
    public static bool operator ==(BusResult left, BusResult right) => left.Equals(right);

    /// <summary>Inequality of status or of what is waited for.</summary>
    public static bool operator !=(BusResult left, BusResult right) => !left.Equals(right);
}
