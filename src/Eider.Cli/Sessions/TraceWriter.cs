using System.Globalization;
using Eider.Cli.Errors;
using Eider.Hardware.Lifecycle;

namespace Eider.Cli.Sessions;

/// <summary>
/// Writes trace events as lines: <c>category source operation address length value</c>, numbers in hexadecimal.
/// Buffered; whoever made it disposes it after the machine has stopped.
/// </summary>
/// <param name="open">Opens where the lines go, with the first of them; disposed with this.</param>
internal sealed class TraceWriter(Func<TextWriter> open) : ITraceSink, IDisposable
{
    private static readonly (string Name, TraceCategory Category)[] Names =
    [
        ("pio", TraceCategory.Pio), ("mmio", TraceCategory.Mmio), ("virtio", TraceCategory.Virtio), ("blk", TraceCategory.Block),
    ];

    private readonly Lock _gate = new();
    private TextWriter? _output;
    private bool _failed;

    /// <summary>Reads a list such as <c>mmio,blk</c>.</summary>
    /// <exception cref="CliException">A name in it is unknown.</exception>
    public static TraceCategory ParseCategories(string list)
    {
        var categories = TraceCategory.None;
        foreach (var name in list.Split(','))
        {
            var at = Array.FindIndex(Names, pair => pair.Name == name);
            if (at < 0)
            {
                var expected = string.Join(", ", Names.Select(pair => pair.Name));
                throw new CliException(ExitCode.Usage, $"--trace {list}: unknown name '{name}'; expected some of {expected}");
            }

            categories |= Names[at].Category;
        }

        return categories;
    }

    /// <inheritdoc/>
    public void Emit(in TraceEvent traceEvent)
    {
        var category = traceEvent.Category;
        var name = Array.Find(Names, pair => pair.Category == category).Name ?? "?";
        lock (_gate)
        {
            if (_failed)
            {
                return;
            }

            try
            {
                _output ??= open();
                _output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name} {traceEvent.Source} {traceEvent.Operation} 0x{traceEvent.Address:x} {traceEvent.LengthBytes} 0x{traceEvent.Value:x}"));
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // A full disk or a closed pipe must not stop the machine; the trace ends here.
                _failed = true;
            }
        }
    }

    /// <summary>Opens where the lines go, so that what cannot be opened is refused before the machine runs.</summary>
    public void Start()
    {
        lock (_gate)
        {
            _output ??= open();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _failed = true;
            try
            {
                _output?.Dispose();
            }
            catch (IOException)
            {
                // As in Emit: what is left in the buffer has no place to go.
            }
        }
    }
}
