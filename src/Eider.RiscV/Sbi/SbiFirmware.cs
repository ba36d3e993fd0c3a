using Eider.RiscV.Execution;

namespace Eider.RiscV.Sbi;

/// <summary>
/// The supervisor's firmware as part of the engine (RISC-V Supervisor Binary Interface Specification 2.0): BASE,
/// TIME, IPI, RFENCE, HSM, and SRST and DBCN when they lead somewhere.
/// </summary>
internal sealed unsafe class SbiFirmware
{
    private const int A0 = 10;
    private const int A1 = 11;
    private const int A6 = 16;
    private const int A7 = 17;

    private readonly ISbiExtension[] _extensions;

    public SbiFirmware(RiscVEngine engine, RiscVEngineOptions options)
    {
        List<ISbiExtension> extensions =
        [
            new BaseExtension(this),
            new TimeExtension(),
            new IpiExtension(engine),
            new RemoteFenceExtension(engine),
            new HartStateExtension(engine, options.Ram),
        ];
        if (options.Power is not null)
        {
            extensions.Add(new SystemResetExtension(engine, options.Power));
        }

        if (options.Console is not null)
        {
            extensions.Add(new DebugConsoleExtension(options.Console, options.Ram));
        }

        _extensions = [.. extensions];
    }

    /// <summary>True if an extension is there.</summary>
    public bool Has(ulong id) => Find(id) is not null;

    /// <summary>Serves the environment call that a hart stands on.</summary>
    public Outcome Call(Hart hart)
    {
        var state = hart.State;
        var extension = Find(state->X[A7]);
        var result = extension?.Call(hart, state->X[A6], &state->X[A0]) ?? SbiError.NotSupported;
        if (result.Returns)
        {
            state->X[A0] = (ulong)result.Error;
            state->X[A1] = result.Value;
            state->Pc += 4;
        }

        return result.Yields ? Outcome.ServedYield : Outcome.Served;
    }

    private ISbiExtension? Find(ulong id)
    {
        foreach (var extension in _extensions)
        {
            if (extension.Id == id)
            {
                return extension;
            }
        }

        return null;
    }
}
