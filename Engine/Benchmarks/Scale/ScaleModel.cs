namespace Osprey.Engine.Benchmarks.Scale;

/// <summary>Machine and workload → time by stage, disk, memory, network, and what binds. Each line is a product of counts and a rate: docs/scale.md, "Past this machine".</summary>
public static class ScaleModel
{
    /// <summary>Of an image's name, class and place in a shard while it is described (docs/scale.md, "Memory").</summary>
    public const double NameBytes = 30;

    /// <summary>Of a part in the manifest: two names, two SHA-256 and three counts.</summary>
    public const double ManifestPartBytes = 400;

    /// <summary>Of a row's code beside its D values: id, and its part of its block's bounds.</summary>
    public const double CodeRowBytes = 8;

    /// <summary>Of a neighbour on its way to rank 0: id and score.</summary>
    public const double NeighbourBytes = 12;

    /// <param name="machine">One rank a device; nodes are all alike and their disks one file system of that rate each.</param>
    /// <param name="work">Counts of 1 or more.</param>
    /// <exception cref="ArgumentException">A count is not above 0, or the machine lacks what is to be fitted: <see cref="ScaleMachine.With"/>.</exception>
    public static ScalePrediction Predict(ScaleMachine machine, ScaleWorkload work)
    {
        if (work.Images < 1 || work.Dimension < 1 || work.Ranks < 1 || work.Queries < 1 || work.K < 1 || work.PartImages < 1)
            throw new ArgumentException($"images {work.Images}, dimension {work.Dimension}, ranks {work.Ranks}, queries {work.Queries}, k {work.K} and images of a part {work.PartImages} must be 1 or more");
        if (machine.CodeGops is not { } gops || machine.QueryOverhead is not { } perQuery || machine.MergePerNeighbour is not { } perNeighbour)
            throw new ArgumentException($"{machine.Name} has no rate of codes, no cost of a query or none of a neighbour; give them, or take them from a fit");
        double n = work.Images, d = work.Dimension, r = work.Ranks, nodes = Math.Ceiling(r / machine.Devices), disk = machine.DiskGbps * 1e9;
        double row = (d * work.ValueBytes) + (work.ValueBytes == 1 ? sizeof(float) : 0), store = n * row;
        double read = n * work.FileBytes / (disk * nodes), decode = n / (machine.DecodePerCore * machine.Cores * nodes), backbone = n / (machine.BackbonePerDevice * r), write = store / (disk * nodes);
        // Twice, in the journal and in the manifest.
        double manifest = 2 * ManifestPartBytes * Math.Ceiling(n / work.PartImages) / disk;
        (string Name, double Seconds)[] beside = machine.SharesCores
            ? [("read", read), ("decode + backbone", decode + backbone), ("write", write)]
            : [("read", read), ("decode", decode), ("backbone", backbone), ("write", write)];
        (string Name, double Seconds) slowest = beside.MaxBy(s => s.Seconds);
        (string Name, double Seconds) longest = new[] { slowest, ("manifest", manifest) }.MaxBy(s => s.Item2);

        double codes = n / r * (d + CodeRowBytes), held = codes + (n / r * d * sizeof(float));
        double network = (r - 1) * work.Queries * ((d * sizeof(float)) + (work.K * NeighbourBytes));
        // A batch reads the codes once, and multiplies each with every query.
        double memory = codes / (machine.MemoryGbps * 1e9), multiply = 2 * work.Queries * n / r * d / (gops * 1e9);
        double overhead = work.Queries * perQuery, merge = r > 1 ? work.Queries * r * work.K * perNeighbour : 0;
        double sent = r > 1 ? (network / (machine.NetworkGbps * 1e9)) + (2 * (r - 1) * machine.NetworkLatency) : 0;
        return new ScalePrediction
        {
            ReadSeconds = read,
            DecodeSeconds = decode,
            BackboneSeconds = backbone,
            WriteSeconds = write,
            ManifestSeconds = manifest,
            EmbedSeconds = slowest.Seconds + manifest,
            EmbedBottleneck = longest.Name,
            StoreBytes = store,
            IndexBytes = n * ((d * sizeof(float)) + d + CodeRowBytes),
            EmbedBytesPerRank = n * NameBytes,
            SearchBytesPerRank = held,
            CodeBytesPerRank = codes,
            NetworkBytes = network,
            SearchSeconds = Math.Max(memory, multiply) + overhead + merge + sent,
            SearchBottleneck = new[] { ("memory", memory), ("codes", multiply), ("overhead", overhead), ("merge", merge), ("network", sent) }.MaxBy(s => s.Item2).Item1,
            Fits = held <= machine.MemoryGb * 1e9,
            CodesFit = codes <= machine.MemoryGb * 1e9,
        };
    }
}
