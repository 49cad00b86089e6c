namespace Osprey.Engine.Benchmarks;

/// <summary>Which shapes of the operations are measured.</summary>
public enum BenchmarkSize
{
    /// <summary>Small ones, seconds in all: that everything runs and is right, not how fast it is.</summary>
    Quick,

    /// <summary>Those of the tables, about a minute on two cores.</summary>
    Standard,

    /// <summary>The standard ones and the searches that take gigabytes and minutes.</summary>
    Large,
}

/// <summary>What a benchmark measures and for how long.</summary>
public sealed record BenchmarkConfig
{
    public BenchmarkSize Size { get; init; } = BenchmarkSize.Standard;

    /// <summary>Operations or their rooms, by the names in <see cref="Contests.Names"/>; empty for all. An operation that is named runs even where it is a large one.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>About how long one operation is measured, ours and its peers together.</summary>
    public double Seconds { get; init; } = 0.5;

    /// <summary>Descriptors of the user's own to search, float32 or float16 [N, D] in an <c>.npy</c> file; null for none.</summary>
    public string? Rows { get; init; }

    /// <summary>A folder of the user's own images to describe; null for none.</summary>
    public string? Images { get; init; }

    /// <summary>Of all made-up data.</summary>
    public long Seed { get; init; }

    /// <exception cref="ArgumentException">A value is out of range or a name unknown; the message says what is allowed.</exception>
    public void Validate()
    {
        if (!(Seconds > 0 && double.IsFinite(Seconds))) throw new ArgumentException($"seconds is {Seconds}; give more than 0");
        foreach (string name in Only)
        {
            if (!Contests.Names.Contains(name)) throw new ArgumentException($"there is no operation '{name}' to measure; give {string.Join(", ", Contests.Names)}");
        }
        if (Rows is null && Only.Contains(Contests.OwnRows)) throw new ArgumentException($"{Contests.OwnRows} searches descriptors of your own; name their file with --rows");
        if (Images is null && Only.Contains(Contests.OwnImages)) throw new ArgumentException($"{Contests.OwnImages} describes images of your own; name their folder with --images");
    }
}
