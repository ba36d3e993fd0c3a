using Eider.Machines;

await using var machine = await Machine.StartAsync(new MachineConfiguration
{
    Kernel = Path.Combine(args[0], "Image"),
    Initrd = Path.Combine(args[0], "initrd"),
    CommandLine = "root=/dev/vda rw quiet cryptomgr.notests",
    Disks = [new DiskConfiguration { Image = Path.Combine(args[0], "root.img"), Overlay = DiskOverlay.Memory }],
});
await machine.Console.WaitForAsync("# ");
Console.Write(await machine.Console.RunAsync("uname -sm; echo hello > greeting", "eider:~# "));
await machine.Console.SendLineAsync("poweroff");
var exit = await machine.WaitForExitAsync();
var state = new byte[2]; // s_state of the ext4 superblock: 1 is "cleanly unmounted"
await machine.Disks[0].ReadAsync(1024 + 0x3A, state);
Console.WriteLine($"{exit.Reason}; the file system is {((state[0] & 1) == 1 ? "clean" : "dirty")}");
