using Eider.Storage.Backends;

namespace Eider.Storage.Tests.Backends;

/// <summary>
/// Every way in which a server lies, in each of three forms: when it is read from, while it is read ahead of a reader, when it is opened again. The
/// bytes are right or there is a failure, never wrong bytes; once the server is honest again, everything is well again.
/// </summary>
public sealed class HttpLyingServerTests
{
    private const string OpeningMark = "opening: ";

    public static TheoryData<string> LiesAtOpening => [.. HttpLies.AtOpening.Keys];

    public static TheoryData<string, HttpLieForm> Cases()
    {
        var data = new TheoryData<string, HttpLieForm>();
        foreach (var form in Enum.GetValues<HttpLieForm>())
        {
            foreach (var lie in HttpLies.AtOpening.Keys)
            {
                data.Add(OpeningMark + lie, form);
            }

            foreach (var lie in HttpLies.Later.Keys)
            {
                data.Add(lie, form);
            }
        }

        return data;
    }

    [Fact]
    public void There_are_at_least_sixty_lies() => Assert.InRange(HttpLies.AtOpening.Count + HttpLies.Later.Count, 60, int.MaxValue);

    [Theory]
    [MemberData(nameof(LiesAtOpening))]
    public async Task A_server_that_lies_at_opening_is_refused_in_one_line(string lie)
    {
        await using var server = new HttpLyingServer(HttpLies.AtOpening[lie]) { IsLying = true };
        var failure = await Assert.ThrowsAsync<BlockStorageException>(server.OpenAsync);
        Assert.Equal((HttpLies.AtOpening[lie].Outcome, BlockOperation.Open), (failure.Kind, failure.Operation));
        server.Check(failure);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_lie_gives_the_right_bytes_or_a_failure_and_leaves_no_trace(string name, HttpLieForm form)
    {
        var isOfOpening = name.StartsWith(OpeningMark, StringComparison.Ordinal);
        var lie = isOfOpening ? HttpLies.AtOpening[name[OpeningMark.Length..]] : HttpLies.Later[name];
        await using var server = new HttpLyingServer(lie);
        await using var storage = await server.OpenAsync();
        var outcome = form switch
        {
            HttpLieForm.Read => await ReadHereAndThereAsync(server, storage),
            HttpLieForm.ReadAhead => await ReadInSequenceAsync(server, storage),
            _ => await ReopenAsync(server, storage),
        };

        Assert.NotEqual(0, server.Lies);
        if (!isOfOpening && form != HttpLieForm.Reopen && (outcome != null || !lie.MayBeRight))
        {
            Assert.Equal(lie.Outcome, outcome);
        }

        server.IsLying = false;
        if (!lie.MayBeRight)
        {
            await using var honest = form == HttpLieForm.Reopen ? await server.OpenAsync() : null;
            Assert.Null(await server.ReadAsync(honest ?? storage, 0, HttpLyingServer.ContentBytes));
        }
    }

    private static async Task<BlockErrorKind?> ReadHereAndThereAsync(HttpLyingServer server, HttpStorage storage)
    {
        server.IsLying = true;
        BlockErrorKind? outcome = null;
        foreach (var (offset, length) in new[] { (0, 1000), (65_530, 20), (150_000, 150_000), (299_999, 1) })
        {
            var failure = await server.ReadAsync(storage, offset, length);
            outcome ??= failure;
        }

        return outcome;
    }

    private static async Task<BlockErrorKind?> ReadInSequenceAsync(HttpLyingServer server, HttpStorage storage)
    {
        const int Step = 5_000;
        Assert.Null(await server.ReadAsync(storage, 0, Step));
        Assert.Null(await server.ReadAsync(storage, Step, Step));
        server.IsLying = true;
        BlockErrorKind? outcome = null;
        for (var offset = 2 * Step; offset < HttpLyingServer.ContentBytes; offset += Step)
        {
            var failure = await server.ReadAsync(storage, offset, Step);
            outcome ??= failure;
            if (offset == 2 * Step)
            {
                // What was read is there already: the first request that meets the lie is one that nobody waits for.
                Assert.Null(failure);
                Assert.Equal(1 << 16, await server.FirstLie);
            }
        }

        return outcome;
    }

    private static async Task<BlockErrorKind?> ReopenAsync(HttpLyingServer server, HttpStorage storage)
    {
        Assert.Null(await server.ReadAsync(storage, 0, 1000));
        await storage.DisposeAsync();
        server.IsLying = true;
        try
        {
            await using var again = await server.OpenAsync();
            return await ReadHereAndThereAsync(server, again);
        }
        catch (BlockStorageException failure) when (failure.Operation == BlockOperation.Open)
        {
            server.Check(failure);
            return failure.Kind;
        }
    }
}
