using System.Globalization;

namespace Eider.Storage.Tests.Crash;

/// <summary>
/// The states in which a crash can leave the files. What a flush covered is there; of what came later any part may be, in
/// any order, torn at any sector.
/// </summary>
/// <param name="initial">The files at the beginning.</param>
/// <param name="log">What was done to them.</param>
/// <param name="random">Chooses subsets and tears.</param>
/// <param name="isFlush">Whether a flush of the log counts; without some of them the check must fail.</param>
internal sealed class CrashStates(
    IReadOnlyList<CrashFile> initial, IReadOnlyList<CrashLog.Entry> log, Random random, Func<CrashLog.Entry, bool> isFlush)
{
    private const int Subsets = 2;

    private readonly CrashFile[] _durable = Copies(initial);
    private readonly CrashFile[] _prefix = Copies(initial);
    private readonly CrashFile[] _scratch = Copies(initial);
    private readonly List<CrashLog.Entry> _pending = [];
    private readonly List<CrashLog.Entry> _flushes = [];

    /// <summary>The states, one after the other; each is good until the next.</summary>
    public IEnumerable<CrashState> Enumerate()
    {
        yield return Of(_durable, 0, 0, "nothing");
        for (var index = 0; index < log.Count; index++)
        {
            var entry = log[index];
            var tick = index + 1 < log.Count ? log[index + 1].Begin - 1 : int.MaxValue - 1;
            if (entry.Operation == BlockOperation.Flush)
            {
                if (isFlush(entry))
                {
                    _flushes.Add(entry);
                }
            }
            else
            {
                if (CanTear(entry))
                {
                    yield return Torn(entry, tick, index);
                }

                _pending.Add(entry);
                _prefix[entry.File].Apply(entry, CrashTear.None);
            }

            Settle(tick);
            yield return Of(_prefix, tick, index, "prefix");
            if (entry.Operation == BlockOperation.Flush)
            {
                yield return Of(_durable, tick, index, "what was flushed");
            }

            for (var subset = 0; subset < Subsets && _pending.Count > 1; subset++)
            {
                yield return Subset(tick, index);
            }
        }
    }

    private static CrashFile[] Copies(IReadOnlyList<CrashFile> files)
    {
        var copies = new CrashFile[files.Count];
        for (var index = 0; index < copies.Length; index++)
        {
            copies[index] = new CrashFile();
            copies[index].CopyFrom(files[index]);
        }

        return copies;
    }

    private static bool CanTear(CrashLog.Entry entry) =>
        entry.Operation != BlockOperation.Resize && (entry.Offset + entry.Length - 1) / 512 > entry.Offset / 512;

    /// <summary>Moves to the disk what a flush that has ended found completed when it began.</summary>
    private void Settle(int tick)
    {
        for (var index = 0; index < _flushes.Count;)
        {
            var flush = _flushes[index];
            if (flush.End > tick)
            {
                index++;
                continue;
            }

            foreach (var entry in _pending.Where(entry => entry.File == flush.File && entry.End < flush.Begin))
            {
                _durable[entry.File].Apply(entry, CrashTear.None);
            }

            _pending.RemoveAll(entry => entry.File == flush.File && entry.End < flush.Begin);
            _flushes.RemoveAt(index);
        }
    }

    private CrashState Torn(CrashLog.Entry entry, int tick, int index)
    {
        CopyTo(_scratch, _prefix);
        _scratch[entry.File].Apply(entry, CrashTear.Of(entry, random));
        return new CrashState(_scratch, Math.Min(tick, entry.End - 1), Name(index, "torn"));
    }

    private CrashState Subset(int tick, int index)
    {
        CopyTo(_scratch, _durable);
        var odd = random.Next(_pending.Count);
        var kind = random.Next(4);
        var chosen = _pending.Where((_, at) => kind switch
        {
            0 => at != odd,
            1 => at == odd,
            2 => random.Next(8) != 0,
            _ => random.Next(2) == 0,
        }).ToArray();
        if (random.Next(2) == 0)
        {
            random.Shuffle(chosen);
        }

        foreach (var entry in chosen)
        {
            var isTorn = random.Next(6) == 0 && CanTear(entry);
            _scratch[entry.File].Apply(entry, isTorn ? CrashTear.Of(entry, random) : CrashTear.None);
        }

        return new CrashState(_scratch, tick, Name(index, "subset"));
    }

    private CrashState Of(CrashFile[] files, int tick, int index, string name)
    {
        CopyTo(_scratch, files);
        return new CrashState(_scratch, tick, Name(index, name));
    }

    private static void CopyTo(CrashFile[] target, CrashFile[] source)
    {
        for (var index = 0; index < target.Length; index++)
        {
            target[index].CopyFrom(source[index]);
        }
    }

    private static string Name(int index, string name) => string.Create(CultureInfo.InvariantCulture, $"operation {index}, {name}");
}
