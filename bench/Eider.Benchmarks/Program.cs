using BenchmarkDotNet.Running;

// dotnet run -c Release --project bench/Eider.Benchmarks -- --filter '*Bus*' --job short
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
