using Eider.Compare.Processes;

namespace Eider.Compare;

/// <summary>What the figures of a run share.</summary>
public sealed class BenchContext : IDisposable
{
    private GuestFiles? _guest;

    /// <summary>Prepares a run.</summary>
    public BenchContext(BenchOptions options)
    {
        Options = options;
        Commands = new Commands(this);
        Scratch = Directory.CreateTempSubdirectory("eider-bench-").FullName;
    }

    /// <summary>What was asked for.</summary>
    public BenchOptions Options { get; }

    /// <summary>How often absolute figures are taken.</summary>
    public int Rounds => Options.Rounds;

    /// <summary>The command as it is published for users.</summary>
    public string Eider => Options.Eider;

    /// <summary>Command lines of Eider and its peer.</summary>
    public Commands Commands { get; }

    /// <summary>A folder that goes away in the end.</summary>
    public string Scratch { get; }

    /// <summary>The Linux that is booted; fetched when it is first asked for.</summary>
    public GuestFiles Guest => _guest ??= GuestFiles.Prepare(Eider);

    /// <summary>A guest of <c>bench/guests</c>.</summary>
    public string Program(string name) => Path.Combine(Options.Guests, name);

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Scratch, recursive: true);
}
