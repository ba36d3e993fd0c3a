namespace Eider.Storage.Tests.Backends;

/// <summary>When a server begins to lie.</summary>
public enum HttpLieForm
{
    /// <summary>Once the page is open: reads here and there meet it.</summary>
    Read,

    /// <summary>While a sequential reader is read ahead of: requests meet it that nobody waits for yet.</summary>
    ReadAhead,

    /// <summary>When the page is opened a second time, and from then on.</summary>
    Reopen,
}
