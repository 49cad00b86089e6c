using System.CommandLine;

namespace Osprey.Tool.Hosting;

/// <summary>The options every verb takes.</summary>
sealed class GlobalOptions
{
    public Option<string> Device { get; } = new("--device")
    {
        HelpName = "NAME",
        Recursive = true,
        Description = "Where kernels run: auto, host (SIMD on the cores), cuda, cuda:N, or simulator (the CUDA kernels on the CPU, for tests only, thousands of times slower). Default auto: the first CUDA device, else the host.",
        DefaultValueFactory = _ => "auto",
    };

    public Option<long?> Seed { get; } = Flag.Whole<long>(
        "--seed", "Seed of everything random, 0 or more; the same seed, device and thread count give the same bytes. Default 0.", 0, long.MaxValue, 0);

    public Option<int?> Threads { get; } = Flag.Whole<int>(
        "--threads", $"Host threads, 1 to 1024. Default one per core ({Environment.ProcessorCount} here).", 1, 1024, Environment.ProcessorCount);

    public Option<bool> Json { get; } = new("--json") { Recursive = true, Description = "Results on stdout as JSON instead of a table." };

    public Option<bool> Verbose { get; } = new("--verbose") { Recursive = true, Description = "With an error, also its stack trace." };

    public Option<bool> Quiet { get; } = new("--quiet") { Recursive = true, Description = "No progress and no notes on stderr; errors and bad files still." };

    public IReadOnlyList<Option> All => [Device, Seed, Threads, Json, Verbose, Quiet];

    public GlobalOptions()
    {
        Seed.Recursive = Threads.Recursive = true;
        Device.Validators.Add(result =>
        {
            string name = result.GetValueOrDefault<string>() ?? "";
            bool known = name is "auto" or "host" or "cuda" or "simulator"
                || (name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), out int n) && n >= 0);
            if (!known) result.AddError($"unknown device '{name}'; give auto, host, cuda, cuda:N or simulator");
        });
    }
}
