// In this process: the project that BenchmarkDotNet would generate for another one copies libtorch without this repository's fix-up (Directory.Build.targets).
BenchmarkDotNet.Running.BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run([.. args, "--inProcess"]);
