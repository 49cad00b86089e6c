namespace Osprey.Engine.Benchmarks.Scale;

/// <summary>What is to be predicted: <c>docs/scale-plan.json</c>. A workload names its machine.</summary>
public sealed record ScalePlan
{
    public required IReadOnlyList<ScaleMachine> Machines { get; init; }

    /// <summary>By the machine's name.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<ScaleWorkload>> Workloads { get; init; }

    /// <summary>Machines with what is fitted, and their workloads.</summary>
    /// <exception cref="ArgumentException">Workloads are of a machine that is not there.</exception>
    public IReadOnlyList<(ScaleMachine Machine, ScaleWorkload Work)> With(ScaleFit fit) =>
    [
        .. from of in Workloads
           let machine = Machines.FirstOrDefault(m => m.Name == of.Key) ?? throw new ArgumentException($"there is no machine '{of.Key}'; there are {string.Join(", ", Machines.Select(m => m.Name))}")
           from work in of.Value
           select (machine.With(fit), work),
    ];
}
