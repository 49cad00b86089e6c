using Osprey.Engine.Benchmarks;
using Osprey.Engine.Images;
using Osprey.Kernels;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>What a page says besides what was measured: where the figures come from, so that they can be had again.</summary>
/// <param name="Title">Heading, in a few words.</param>
/// <param name="Decoding">How the evaluation turned files into pictures.</param>
public sealed record ReportOrigin(string Title, DecodeOptions Decoding)
{
    /// <summary>What was typed, or null.</summary>
    public string? Command { get; init; }

    /// <summary>The models measured; those of which nothing is known may be missing.</summary>
    public IReadOnlyList<ModelOrigin> Models { get; init; } = [];

    /// <summary>Versions and machine, by name.</summary>
    public IReadOnlyList<(string Name, string Value)> Surroundings { get; init; } = [];

    /// <summary>What the figures' last digits depend on. No date: the same evaluation gives the same page.</summary>
    public static IReadOnlyList<(string Name, string Value)> Describe(Device device)
    {
        BenchmarkMachine machine = Machine.Describe(device, floors: null, faiss: "");
        return
        [
            ("Osprey", machine.Osprey + (machine.Commit is { } commit ? $", commit {commit}" : "")),
            ("Runtime", machine.Runtime),
            ("libtorch", machine.Torch),
            ("System", machine.System),
            ("Processor", $"{machine.Cpu}, {machine.Threads} of {machine.Cores} threads, vectors of {machine.VectorBits} bits"),
            ("Kernels run on", machine.Device),
        ];
    }
}
