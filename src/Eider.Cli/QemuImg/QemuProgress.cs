using System.Globalization;

namespace Eider.Cli.QemuImg;

/// <summary>The line <c>(12.34/100%)</c> that qemu-img writes over and over; a step of one percent at least.</summary>
internal sealed class QemuProgress : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly bool _isOn;
    private readonly QemuOutput _output;
    private double _last = double.MinValue;

    /// <summary>A line, if the user asked for one.</summary>
    /// <param name="arguments">With <c>-p</c>, and without <c>-q</c>.</param>
    /// <param name="output">Where to print.</param>
    /// <param name="beginsLater">True to print nothing before the first report.</param>
    public QemuProgress(QemuArguments arguments, QemuOutput output, bool beginsLater = false)
    {
        _isOn = arguments.Has("p") && !arguments.Has("q");
        _output = output;
        if (!beginsLater)
        {
            Show(0);
        }
    }

    /// <summary>Some of it is done.</summary>
    public void Report(long doneBytes, long totalBytes) => Show(totalBytes == 0 ? 100 : 100.0 * doneBytes / totalBytes);

    /// <summary>Ends the line.</summary>
    public ValueTask DisposeAsync()
    {
        if (_isOn)
        {
            _output.Out.Write("\n");
        }

        return ValueTask.CompletedTask;
    }

    private void Show(double percent)
    {
        if (!_isOn)
        {
            return;
        }

        // Workers report at once.
        lock (_gate)
        {
            if (percent - _last >= 1 || percent >= 100)
            {
                _last = percent;
                _output.Out.Write(string.Create(CultureInfo.InvariantCulture, $"    ({percent:0.00}/100%)\r"));
                _output.Out.Flush();
            }
        }
    }
}
