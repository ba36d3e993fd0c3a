using System.Diagnostics;
using Eider.Cli.QemuImg;

namespace Eider.Cli.Tests.QemuImg;

/// <summary>
/// The face of qemu-img beside the stock one: the same command lines, each in its own folder; standard output, standard
/// error and exit code must be the same to the letter.
/// </summary>
public sealed class QemuImgTextTests : IDisposable
{
    private const string Place = "DIR";
    private const string Empty = "''";
    private readonly string _root = Directory.CreateTempSubdirectory("eider-qemu-img-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Scripts =>
    [
        "create -f qcow2 DIR/a 10M; info DIR/a; info --output=json DIR/a; map DIR/a; map --output=json DIR/a",
        "create -f raw DIR/a 3M; info DIR/a; info --output json DIR/a; map --output=json DIR/a",
        "create -f qcow2 -o compat=0.10 DIR/a 1M; info DIR/a; create -f qcow2 -o compat=1.1,lazy_refcounts=on,cluster_size=4k DIR/b 1000000; info DIR/b",
        "create -f qcow2 -o refcount_bits=1,extended_l2=on,cluster_size=128k DIR/a 1G; info DIR/a; info --output=json DIR/a",
        "create -f raw DIR/base 2M; create -f qcow2 -b DIR/base -F raw DIR/a; info DIR/a; info --backing-chain DIR/a; map --output=json DIR/a",
        "create -f raw DIR/base 2M; create -f qcow2 -b base -F raw DIR/a 5M; info DIR/a; info --output=json --backing-chain DIR/a",
        "create -f qcow2 -o data_file=DIR/d,data_file_raw=on DIR/a 1M; info DIR/a",
        "create -f qcow2 -o preallocation=full DIR/a 1M; compare DIR/a DIR/a; create -f raw DIR/b 2M; compare DIR/a DIR/b; compare -s DIR/a DIR/b; compare -q DIR/b DIR/a",
        "create -q -f raw DIR/a 2M; convert -O qcow2 DIR/a DIR/b; info DIR/b; convert -f qcow2 -O raw -p DIR/b DIR/c; compare DIR/a DIR/c",
        "create -q -f qcow2 DIR/a 1M; resize DIR/a 2M; resize DIR/a +1M; resize DIR/a 1M; resize --shrink DIR/a -1M; resize -q DIR/a 9M; info DIR/a; resize DIR/a 0",
        "; foo; create; info; map; compare DIR/a; convert DIR/a; create DIR/a 1M DIR/b; info DIR/none; compare DIR/none DIR/none; map --output=xml DIR/a",
        "create -f foo DIR/a 1M; create -f qcow2 DIR/a; create -f qcow2 DIR/a 1Z; create -f qcow2 -o foo=3 DIR/a 1M; create -f qcow2 -z DIR/a; info --colour DIR/a; info -f",
        "create -f qcow2 -b DIR/none -F raw DIR/a; create -f qcow2 -b DIR/a -F raw DIR/a 1M; create -f qcow2 -b DIR/none -F foo DIR/a 1M",
        "create -q -f raw DIR/base 1M; create -f qcow2 -b DIR/base DIR/a; create -f raw -b DIR/base DIR/a; create -u -f qcow2 -b DIR/none -F raw DIR/a 3M; info DIR/a",
        "create -q -f qcow2 -o preallocation=metadata DIR/a 9M; check DIR/a; check --output=json DIR/a; check -r all DIR/a; check -r some DIR/a",
        "create -q -f raw DIR/a 1M; check DIR/a; check -f raw DIR/a; check DIR/none; check -q DIR/a; create -q -f qcow2 DIR/b 1M; check DIR/b",
        "create -q -f raw DIR/a 1M; info -f qcow2 DIR/a; convert -O foo DIR/a DIR/b; convert -m 99 DIR/a DIR/b; convert -f raw -O qcow2 DIR/none DIR/b",
        "create -q -f qcow2 DIR/base 4M; create -q -f qcow2 -b base -F qcow2 DIR/a; commit DIR/a; commit -d DIR/a; commit -q DIR/a; commit -b DIR/base DIR/a; commit -b DIR/no DIR/a; commit DIR/base; commit; commit -t foo DIR/a; commit -p DIR/a",
        "create -q -f qcow2 DIR/x 4M; create -q -f raw DIR/y 4M; create -q -f qcow2 -b x -F qcow2 DIR/a; rebase -b DIR/y -F raw DIR/a; info DIR/a; rebase -u -b gone -F raw DIR/a; info DIR/a; rebase -u -b '' DIR/a; info DIR/a",
        "create -q -f qcow2 DIR/a 4M; rebase DIR/a; rebase -b DIR/a; rebase -b DIR/none -F raw DIR/a; rebase -u -b x DIR/a; rebase -u -b x -F foo DIR/a; rebase; create -q -f raw DIR/r 1M; rebase -f raw -u -b x -F raw DIR/r; rebase -b '' DIR/a",
        "create -q -f qcow2 DIR/a 4M; snapshot DIR/a; snapshot -l DIR/a; snapshot -l -c x DIR/a; snapshot; snapshot -a none DIR/a; snapshot -d none DIR/a; create -q -f raw DIR/r 1M; snapshot -l DIR/r; snapshot -d x DIR/r; snapshot -lc",
        "create -q -f qcow2 DIR/a 4M; amend DIR/a; amend -o foo=1 DIR/a; amend -o cluster_size=4k DIR/a; amend -o compat=0.10 DIR/a; info DIR/a; amend -o lazy_refcounts=on DIR/a; amend -o compat=1.1,lazy_refcounts=on DIR/a; info DIR/a; amend -o backing_file=x DIR/a; amend -o size=8M DIR/a; info DIR/a; amend -o data_file=x DIR/a; amend -o encrypt.state=active DIR/a; amend -f raw -o size=1M DIR/a; amend -p -o size=9M DIR/a; amend -o compat=3 DIR/a; amend -o lazy_refcounts=maybe DIR/a",
        "measure --size 10G; measure -O qcow2 --size 10G; measure --output=json -O qcow2 --size 1M; measure -O qcow2 -o cluster_size=4k,extended_l2=off --size 100M; create -q -f qcow2 -o preallocation=full DIR/a 4M; measure DIR/a; measure -O qcow2 --output json DIR/a; measure",
        "measure -f raw; measure --size 1 DIR/a; measure a b; measure --size x; measure -O foo --size 1; measure -O qcow2 -o foo=1 --size 1; measure -O qcow2 -o cluster_size=3 --size 1M; measure --output=xml --size 1; measure -l snap; measure -O qcow2 -o preallocation=full --size 1M",
        "create -q -f raw DIR/a 3M; dd if=DIR/a of=DIR/b; info DIR/b; dd -O qcow2 bs=1M count=2 if=DIR/a of=DIR/c; info DIR/c; map --output=json DIR/c; dd bs=1M skip=9 if=DIR/a of=DIR/d; info DIR/d; dd if=DIR/a; dd foo; dd foo=1 if=DIR/a of=DIR/b; dd bs=0 if=DIR/a of=DIR/b; dd count=x if=DIR/a of=DIR/b; dd -O foo if=DIR/a of=DIR/b; dd if=DIR/none of=DIR/b",
        "bench; bench -c x DIR/a; bench -d x DIR/a; bench --flush-interval 5 DIR/a; bench -w --flush-interval 5 DIR/a; bench -t foo DIR/a; bench -i foo DIR/a; bench --pattern 256 DIR/a; bench DIR/none; bench -s x DIR/a",
        "create -q -f qcow2 DIR/a 1M; create -q -f raw DIR/b 1M; convert -f raw -O qcow2 DIR/b DIR/b DIR/c; info DIR/c; convert -c -O raw DIR/a DIR/d; convert -c -O qcow2 -o preallocation=full DIR/a DIR/d; convert -n -O raw DIR/a DIR/none; convert -n -o size=1 DIR/a DIR/b; convert --target-is-zero DIR/a DIR/b; convert -c -C DIR/a DIR/b; convert -C -S 4k DIR/a DIR/b; convert -S 3 DIR/a DIR/b; convert -S x DIR/a DIR/b; convert --target-image-opts DIR/a DIR/b",
        "create -q -f qcow2 DIR/a 4M; convert -c -O qcow2 -S 0 DIR/a DIR/b; map --output=json DIR/b; convert -O qcow2 -S 0 DIR/a DIR/c; map --output=json DIR/c; convert -n -O qcow2 DIR/a DIR/c; convert -l none DIR/a DIR/d; convert -l snapshot.id=3 DIR/a DIR/d; convert -O qcow2 -B DIR/a DIR/a DIR/d; convert -O qcow2 -B DIR/a -F qcow2 DIR/a DIR/d; info DIR/d; convert -O raw -B DIR/a -F qcow2 DIR/a DIR/d; convert -O qcow2 -o foo=1 DIR/a DIR/d",
        "create -q -f qcow2 DIR/a 4M; info --image-opts driver=qcow2,file.filename=DIR/a; info json:{'driver':'qcow2','file':{'driver':'file','filename':'DIR/a'}}; map --output=json --image-opts driver=raw,offset=65536,size=65536,file.filename=DIR/a; create -q -f raw DIR/r 512; info --image-opts driver=raw,size=1M,file.filename=DIR/r; info --image-opts driver=raw,offset=1M,file.filename=DIR/r; info --image-opts driver=foo,file.filename=DIR/a; info --image-opts file.filename=DIR/a,foo=1; info json:{; info json:{'driver':'qcow2'}; info --image-opts driver=qcow2; info foo:bar; info --image-opts -f raw DIR/a; info file:DIR/a; info null-co://; info json:{'driver':'null-co','size':1048576}; info --image-opts driver=null-co,read-zeroes=on",
        "create -q -f qcow2 -o help; create -f qcow2 -o help DIR/a; create -f raw -o help; create -f luks -o help DIR/a; create -f foo -o help; convert -O qcow2 -o help; convert -O raw -o help DIR/a DIR/b; amend -f qcow2 -o help; amend -f raw -o help; amend -f foo -o help; create -f qcow2 -o , DIR/a; create -f qcow2 -o a=1, DIR/a 1M",
        "create -f qcow2 -o compat=0.42 DIR/a 1M; create -f qcow2 -o cluster_size=3k DIR/a 1M; create -f qcow2 -o refcount_bits=3 DIR/a 1M; create -f qcow2 -o refcount_bits=-1 DIR/a 1M; create -f qcow2 -o compat=0.10,lazy_refcounts=on DIR/a 1M; create -f qcow2 -o preallocation=x DIR/a 1M; create -f qcow2 -o size=1M DIR/a 1M; create -f qcow2 -o size=x DIR/a; create -f qcow2 -o cluster_size=4k,extended_l2=on DIR/a 1M; create -f qcow2 -o data_file_raw=on DIR/a 1M; create -f qcow2 -b '' -F raw DIR/a 1M; create -f qcow2 -o backing_fmt=raw DIR/a 1M; create -f qcow2 -o lazy_refcounts=x DIR/a 1M; create -f qcow2 -o compression_type=foo DIR/a 1M; create -f raw 1E0 DIR/a; create foo:a 1M; create null-co:// 1M",
        "create -q -f qcow2 --object secret,id=s,data=123 -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 DIR/a 1M; map DIR/a; info --object secret,id=t,data=1 -f qcow2 --image-opts file.filename=DIR/a; compare --object secret,id=s,data=123 --image-opts driver=qcow2,file.filename=DIR/a,encrypt.key-secret=s driver=qcow2,file.filename=DIR/a,encrypt.key-secret=s; compare --image-opts driver=qcow2,file.filename=DIR/a,encrypt.key-secret=u driver=qcow2,file.filename=DIR/a; create -q -f luks --object secret,id=s,data=123 -o key-secret=s,iter-time=10 DIR/l 1M; map DIR/l",
        "create -q -f qcow2 DIR/a 4M; bitmap --add DIR/a b; bitmap --add -g 512k --disable DIR/a c; info DIR/a; info --output=json DIR/a; bitmap --add DIR/a b; bitmap --remove DIR/a d; bitmap --merge c DIR/a b; bitmap --merge x DIR/a b; bitmap --clear --disable DIR/a b; measure -O qcow2 DIR/a; convert --bitmaps -O qcow2 DIR/a DIR/e; info DIR/e; convert --bitmaps -O raw DIR/a DIR/r; bitmap --remove DIR/a b; info DIR/a; bitmap DIR/a b; bitmap -g 4k --clear DIR/a c; bitmap -b x --clear DIR/a c; bitmap -F raw --merge x DIR/a c; bitmap --add DIR/a; convert --skip-broken-bitmaps DIR/a DIR/f; create -q -f raw DIR/n 4M; bitmap --merge c -b DIR/n -F raw DIR/a c",
    ];

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task It_prints_what_stock_prints(string script)
    {
        var (stock, ours) = (Folder("x"), Folder("y"));
        foreach (var line in script.Split(';', StringSplitOptions.TrimEntries))
        {
            string[] words = line.Length == 0 ? [] : [.. line.Split(' ').Select(word => word == Empty ? "" : word)];
            var expected = await RunStockAsync(words, stock);

            // QEMU measures its own speed when it makes a LUKS volume, and gives up on a busy machine.
            for (var again = 0; again < 20 && expected.Contains("accurate CPU usage", StringComparison.Ordinal); again++)
            {
                expected = await RunStockAsync(words, stock);
            }

            var found = await RunOursAsync(words, ours);
            Assert.Equal($"{line}\n{expected}", $"{line}\n{found}");
        }
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(_root, name)).FullName;

    private static async Task<string> RunOursAsync(string[] words, string folder)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await QemuImgCommand.RunAsync(
            [.. words.Select(word => word.Replace(Place, folder, StringComparison.Ordinal))], new QemuOutput(output, error), Token);
        return Told(output.ToString(), error.ToString(), code, folder);
    }

    private static async Task<string> RunStockAsync(string[] words, string folder)
    {
        var start = new ProcessStartInfo("qemu-img") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in words)
        {
            start.ArgumentList.Add(word.Replace(Place, folder, StringComparison.Ordinal));
        }

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(Token);
        var output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return Told(output, await error, process.ExitCode, folder);
    }

    // How much space the host gives, and how often a quick copy reports, is no text.
    private static string Told(string output, string error, int code, string folder)
    {
        var lines = output.Split('\n').Select(line =>
            line.Contains("disk size:", StringComparison.Ordinal) || line.Contains("\"actual-size\"", StringComparison.Ordinal) ? "(space)"
            : line.Contains("/100%)\r", StringComparison.Ordinal) ? "(progress)" : line);
        return $"{string.Join('\n', lines)}{error}exit {code}".Replace(folder, Place, StringComparison.Ordinal);
    }
}
