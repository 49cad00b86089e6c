using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

// In this process: the project that BenchmarkDotNet would generate for another one copies libtorch without this repository's fix-up (Directory.Build.targets).
// An entry's name is its whole point, so it is not cut short.
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(
    [.. args, "--inProcess"], DefaultConfig.Instance.WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(80)));
