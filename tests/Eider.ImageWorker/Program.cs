using Eider.ImageWorker;

return args switch
{
    ["write", var path, var seed] => await Writer.RunAsync(path, int.Parse(seed)),
    ["open", .. var paths] => await Opener.RunAsync(paths),
    _ => 64,
};
