using System.Globalization;

namespace Eider.Cli.QemuImg;

/// <summary>The line <c>(12.34/100%)</c> that qemu-img writes over and over; a step of one percent at least.</summary>
internal sealed class QemuProgress : IAsyncDisposable
{
    private readonly bool _isOn;
    private readonly QemuOutput _output;
    private double _last = -1;

    /// <summary>A line.</summary>
    /// <param name="isOn">False to print nothing.</param>
    /// <param name="output">Where to print.</param>
    public QemuProgress(bool isOn, QemuOutput output)
    {
        _isOn = isOn;
        _output = output;
        Show(0);
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
        if (_isOn && (percent - _last >= 1 || percent >= 100))
        {
            _last = percent;
            _output.Out.Write(string.Create(CultureInfo.InvariantCulture, $"    ({percent:0.00}/100%)\r"));
        }
    }
}
