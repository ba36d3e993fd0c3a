using System.IO.Pipes;
using System.Runtime.Versioning;
using Eider.Cli.Errors;

namespace Eider.Cli.Tests.Errors;

/// <summary>What a guest says, and nobody reads.</summary>
[SupportedOSPlatform("linux")]
public sealed class StandardOutputTests
{
    [Fact]
    public async Task A_pipe_without_a_reader_is_noticed()
    {
        await using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        pipe.DisposeLocalCopyOfClientHandle();
        await using var stream = StandardOutput.Open((int)pipe.SafePipeHandle.DangerousGetHandle(), () => Stream.Null);

        await Assert.ThrowsAsync<IOException>(async () => await stream.WriteAsync(new byte[1], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_descriptor_that_is_none_is_left_to_the_runtime()
    {
        await using var stream = StandardOutput.Open(-1, () => Stream.Null);

        Assert.Same(Stream.Null, stream);
    }
}
