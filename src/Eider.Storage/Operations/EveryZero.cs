using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Operations;

/// <summary>While it lives, an image says zeroes itself though nothing behind it has anything else.</summary>
internal sealed class EveryZero : IDisposable
{
    private readonly Qcow2Image? _image;

    private EveryZero(Qcow2Image? image)
    {
        _image = image;
        if (_image != null)
        {
            _image.Core.SaysEveryZero = true;
        }
    }

    /// <summary>Begins; other formats than qcow2 have nothing behind them.</summary>
    public static EveryZero SaidBy(BlockStorage image) => new(image as Qcow2Image);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_image != null)
        {
            _image.Core.SaysEveryZero = false;
        }
    }
}
