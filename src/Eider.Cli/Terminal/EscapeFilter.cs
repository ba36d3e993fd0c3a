namespace Eider.Cli.Terminal;

/// <summary>Finds the keys that are for Eider among those for the guest: Ctrl-A X leaves, Ctrl-A C and H are <see cref="Commands"/>, Ctrl-A A sends a Ctrl-A.</summary>
internal sealed class EscapeFilter
{
    private const byte Prefix = 0x01;

    private bool _afterPrefix;

    /// <summary>True once the user asked to leave; nothing is for the guest after that.</summary>
    public bool IsLeaving { get; private set; }

    /// <summary>What else the user wants of Eider; whoever fulfils a wish takes it out.</summary>
    public Queue<EscapeCommand> Commands { get; } = new();

    /// <summary>Filters in place.</summary>
    /// <param name="keys">What was typed; afterwards its start is what goes to the guest.</param>
    /// <returns>How many bytes go to the guest.</returns>
    public int Filter(Span<byte> keys)
    {
        var kept = 0;
        foreach (var key in keys)
        {
            if (IsLeaving)
            {
                break;
            }

            if (!_afterPrefix)
            {
                _afterPrefix = key == Prefix;
                if (!_afterPrefix)
                {
                    keys[kept++] = key;
                }

                continue;
            }

            _afterPrefix = false;
            switch (key)
            {
                case (byte)'x' or (byte)'X':
                    IsLeaving = true;
                    break;
                case (byte)'c' or (byte)'C':
                    Commands.Enqueue(EscapeCommand.ChangeDisc);
                    break;
                case (byte)'h' or (byte)'H' or (byte)'?':
                    Commands.Enqueue(EscapeCommand.Help);
                    break;
                case (byte)'a' or (byte)'A' or Prefix:
                    keys[kept++] = Prefix;
                    break;
                default:
                    // Not for us: the key alone goes on, the prefix was a slip.
                    keys[kept++] = key;
                    break;
            }
        }

        return kept;
    }
}
