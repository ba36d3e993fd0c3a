using System.Net;

namespace Eider.Serving.Http;

/// <summary>Where a <see cref="RangeServer"/> listens, and its limits.</summary>
public sealed record RangeServerOptions
{
    /// <summary>The defaults: this host alone, any free port.</summary>
    public static RangeServerOptions Default { get; } = new();

    /// <summary>The address to listen on. Any other than a loopback address lets the network read the disks.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0 for any that is free.</summary>
    public int Port { get; init; }

    /// <summary>How many requests are answered at once; others wait.</summary>
    public int MaxConcurrentRequests { get; init; } = 32;

    /// <summary>True if closing the server shall not close the storages.</summary>
    public bool LeaveOpen { get; init; }

    /// <summary>The clock, which goes into the ETag.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
