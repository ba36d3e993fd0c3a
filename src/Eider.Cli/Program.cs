using System.CommandLine;

var root = new RootCommand("Eider: a virtual machine for .NET.");
return await root.Parse(args).InvokeAsync();
