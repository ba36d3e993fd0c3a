using Eider.Storage;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>A rule of <see cref="BlkdebugStorage"/>: an event, in a state, makes a fault active or changes the state.</summary>
internal sealed record BlkdebugRule
{
    private const int InputOutputError = 5;

    /// <summary>The events that QEMU knows.</summary>
    private static readonly string[] KnownEvents =
    [
        "l1_update", "l1_grow_alloc_table", "l1_grow_write_table", "l1_grow_activate_table", "l2_load", "l2_update", "l2_update_compressed",
        "l2_alloc_cow_read", "l2_alloc_write", "read_aio", "read_backing_aio", "read_compressed", "write_aio", "write_compressed",
        "vmstate_load", "vmstate_save", "cow_read", "cow_write", "reftable_load", "reftable_grow", "reftable_update", "refblock_load",
        "refblock_update", "refblock_update_part", "refblock_alloc", "refblock_alloc_hookup", "refblock_alloc_write",
        "refblock_alloc_write_blocks", "refblock_alloc_write_table", "refblock_alloc_switch_table", "cluster_alloc", "cluster_alloc_bytes",
        "cluster_free", "flush_to_os", "flush_to_disk", "pwritev_rmw_head", "pwritev_rmw_after_head", "pwritev_rmw_tail",
        "pwritev_rmw_after_tail", "pwritev", "pwritev_zero", "pwritev_done", "empty_image_prepare", "l1_shrink_write_table",
        "l1_shrink_free_l2_clusters", "cor_write", "cluster_alloc_space", "none",
    ];

    /// <summary>The event.</summary>
    public required string Event { get; init; }

    /// <summary>The state in which it counts; 0 for any.</summary>
    public int State { get; init; }

    /// <summary>The state afterwards; null for a rule that makes a fault.</summary>
    public int? NewState { get; init; }

    /// <summary>The error number of the fault.</summary>
    public int ErrorNumber { get; init; } = InputOutputError;

    /// <summary>The sector that a request must touch; null for any.</summary>
    public long? Sector { get; init; }

    /// <summary>True for one fault only.</summary>
    public bool IsOnce { get; init; }

    /// <summary>Which requests fail; null for all but questions.</summary>
    public BlockOperation? Operation { get; init; }

    /// <summary>Reads a rule.</summary>
    /// <param name="isFault">True for <c>inject-error</c>, false for <c>set-state</c>.</param>
    /// <param name="options">Its options; the ones that are used are taken out.</param>
    /// <exception cref="QemuImgException">No event, or a wrong one.</exception>
    public static BlkdebugRule Read(bool isFault, NodeOptions options)
    {
        var name = options.TakeText("event") ?? throw new QemuImgException("Missing event name for rule");
        if (!KnownEvents.Contains(name))
        {
            throw new QemuImgException($"Invalid parameter '{name}'");
        }

        var rule = new BlkdebugRule { Event = name, State = Number(options, "state") ?? 0 };
        options.Drop("immediately");
        return isFault
            ? rule with
            {
                ErrorNumber = Number(options, "errno") ?? InputOutputError,
                Sector = Number(options, "sector") is { } sector and >= 0 ? sector : null,
                IsOnce = options.TakeSwitch("once") ?? false,
                Operation = OperationOf(options.TakeText("iotype")),
            }
            : rule with { NewState = Number(options, "new_state") ?? 0 };
    }

    private static BlockOperation? OperationOf(string? name) => name switch
    {
        null => null,
        "read" => BlockOperation.Read,
        "write" => BlockOperation.Write,
        "write-zeroes" => BlockOperation.WriteZeroes,
        "discard" => BlockOperation.Discard,
        "flush" => BlockOperation.Flush,
        "block-status" => BlockOperation.Extents,
        _ => throw new QemuImgException($"Invalid parameter '{name}'"),
    };

    private static int? Number(NodeOptions options, string name) => options.TakeText(name) is not { } text ? null
        : int.TryParse(text, out var number) ? number : throw new QemuImgException($"Parameter '{name}' expects a number");
}
