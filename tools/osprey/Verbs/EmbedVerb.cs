using System.CommandLine;
using System.Globalization;
using Osprey.Engine;
using Osprey.Engine.Distributed;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Engine.Sources;
using Osprey.Interop.Mpi;
using Osprey.Interop.Torch;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class EmbedVerb : Verb
{
    readonly Option<string[]> data = Flag.Texts("--data", "DIR|FILE", "Folders of images, with or without class folders; image files; lists of them (.txt of one path per line; .csv, .tsv with columns path and perhaps class); tar shards (WebDataset); Parquet with image bytes or paths. Several are joined.", required: true);

    readonly Option<string?> model = Flag.Text("--model", "RUN|FILE", "Run folder of 'train', or weights alone (torchvision's names): then backbone, GeM p=3, L2.", required: true);

    readonly Option<string?> output = Flag.Text("--out", "STORE", "Folder of the store. One that is there is gone on with.", required: true);

    readonly Option<int?> size = Flag.Whole<int>("--size", "Side of the square every image is resized to, pixels, 16 to 8192. Default: the run's own; 256 for weights alone.", 16, 8192, value: "PX");

    readonly Option<StoreType?> type = Flag.Choice<StoreType>("--dtype", "How descriptors are stored: float16 is half the size at three digits; int8 a quarter, to within half of 1/127 of a row's largest value. Default float32.", StoreType.Float32);

    readonly Option<int?> batch = Flag.Whole<int>("--batch", "Images per forward pass, 1 to 4096. Default 32.", 1, 4096, 32);

    readonly Option<int?> part = Flag.Whole<int>("--part", "Images per part: after an interruption at most two parts are described again. Default 1024.", 1, 1_000_000, 1024, "IMAGES");

    readonly Option<string?> shard = Flag.Text("--shard", "I/N|N", "Describe only share I (0 to N−1) of N, so that N processes can share a set; 'join' makes one store of theirs. N alone takes I from JOB_COMPLETION_INDEX (Kubernetes) or SLURM_ARRAY_TASK_ID. Default: in an array of Slurm the task's share, else all.");

    readonly Option<bool> retryBad = Flag.Switch("--retry-bad", "Describe the parts of STORE that have bad files again: what could not be read then may be there now.");

    readonly Option<string?> summary = Flag.Text("--summary", "FILE.json", "Also write to this file what --json prints: rows, bad files and where the time went.");

    readonly LookFlags look = new();

    readonly WindowFlags windows = new(null);

    readonly DecodeFlags decoding = new();

    public EmbedVerb()
        : base("embed", "Describes every image, or every window of scenes: descriptors and metadata in parts, resumed by itself.")
    {
        foreach (Option option in new Option[] { data, model, output, size, type, batch, part, shard, retryBad, summary }) Add(option);
        look.AddTo(this);
        windows.AddTo(this);
        decoding.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "embed --data ucm --model runs/aid --out stores/ucm",
        "embed --data ucm --model squeezenet1_1.safetensors --size 128 --dtype float16 --out stores/ucm",
        "embed --data patternnet --model runs/aid --dtype int8 --out stores/patternnet",
        "embed --data patternnet --model runs/aid --precision bfloat16 --out stores/patternnet",
        "embed --data sentinel --bands 4,3,2 --range 0:3000 --model runs/aid --out stores/sentinel",
        "embed --data scene.tif --window 512 --stride 256 --model runs/aid --out stores/scene",
        "embed --data shards/*.tar --model runs/aid --out stores/shards",
        "embed --data scenes.csv --window 512 --model runs/aid --out stores/scenes",
        "embed --data ucm --model runs/aid --out stores/ucm --summary ucm.json",
        "embed --data ucm --model runs/aid --scales 1 0.7071 0.5 --out stores/ucm-scales",
        "embed --data ucm --model runs/aid --turns 4 --out stores/ucm-turns",
        "embed --data patternnet --model runs/aid --shard 0/4 --out stores/patternnet-0",
        "embed --data patternnet --model runs/aid --shard 4 --out stores/patternnet-$JOB_COMPLETION_INDEX",
    ];

    public override string Notes => "A file that cannot be read is skipped, named on stderr and in STORE/bad-files.txt; the exit code is 0 unless all are bad. STORE holds manifest.json, part-00000.npy and part-00000.parquet, … (of int8 also part-00000.scales.npy). Started by mpirun, the processes share the parts out: docs/scale.md.";

    public override bool RunsOnRanks => true;

    public override int Run(ParseResult arguments, Session session)
    {
        ICommunicator ranks = session.Ranks;
        StoreExtractionConfig config = ranks.RunOnAll(() => Bind(arguments, session));
        string from = arguments.GetRequiredValue(model)!, to = arguments.GetRequiredValue(output)!;

        session.ConfigureTorch();
        using IImageSource source = ranks.RunOnAll(() => ImageSources.Open(arguments.GetRequiredValue(data), config.Decoding, windows.Bind(arguments)));
        using Embedder embedder = ranks.RunOnAll(() => Embedder.Open(from, session.Device, look.Bind(arguments, arguments.GetValue(size))));
        embedder.Fold();
        if (embedder.Config.Precision is not null && BFloat16Instructions.AreMissing) session.Note("this processor has no bfloat16 instructions; --precision float32 is faster here");
        DescriptorStore? store = ranks.Size == 1
            ? StoreExtraction.Run(embedder, from, source, to, config, session.Threads, session.Progress, session.Cancellation)
            : DistributedExtraction.Run(ranks, embedder, from, source, to, config, session.Threads, session.Progress, session.Cancellation);
        IReadOnlyList<ExtractionFigures> pipelines = ranks.JoinRecords([config.Times!.Figures()]);
        if (store is null) return ExitCode.Done;

        BadFile[] bad = [.. store.ReadBadFiles().Select(b => b with { Path = Path.Combine(source.Root, b.Path) })];
        session.Warn(bad);
        var result = new { Store = to, store.Rows, store.Dimension, Parts = store.Manifest.Parts.Count, store.Manifest.Precision, store.Manifest.EmptyWindows, Pipeline = pipelines[0], Ranks = ranks.Size == 1 ? null : pipelines, BadFiles = bad };
        if (arguments.GetValue(summary) is string file) Json.Write(file, result);
        if (session.Json)
        {
            session.Write(result);
            return ExitCode.Done;
        }
        Table table = Tables.Create("store", ">rows", ">dimension", ">parts", ">bad files");
        table.Row(to, $"{store.Rows}", $"{store.Dimension}", $"{store.Manifest.Parts.Count}", $"{bad.Length}");
        session.Write(table);
        if (store.Manifest.EmptyWindows is long empty) session.Note($"{empty} windows hold no data and are left out");
        return ExitCode.Done;
    }

    StoreExtractionConfig Bind(ParseResult arguments, Session session)
    {
        StoreShard? share = ShardOf(arguments.GetValue(shard), session);
        return new StoreExtractionConfig
        {
            Decoding = decoding.Bind(arguments),
            Type = arguments.GetValue(type)!.Value,
            BatchSize = arguments.GetValue(batch)!.Value,
            PartImages = arguments.GetValue(part)!.Value,
            Shard = share,
            AllBadIsNoFailure = share is { Count: > 1 },
            RetryBad = arguments.GetValue(retryBad),
            Times = new ExtractionTimes(),
            Notice = session.Note,
        }.Validate();
    }

    /// <summary>The share that the command line names, or that the batch system gave this process.</summary>
    static StoreShard? ShardOf(string? text, Session session)
    {
        if (session.Ranks.Size > 1) return text is null ? null : throw new ArgumentException($"--shard is '{text}', and mpirun started {session.Ranks.Size} processes, which share the images out themselves; leave it out");
        if (text is not null && !TryNumber(text, out _)) return ParseShard(text);
        int? count = text is not null && TryNumber(text, out int n) ? n : null;
        if (count is 0) throw new ArgumentException("--shard is '0'; give 1 share or more");
        if (ShardEnvironment.Of(Environment.GetEnvironmentVariable, count) is not var (shard, variable))
            return count is null ? null : throw new ArgumentException($"--shard is '{text}', and neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID says which of the {count} shares this is; give I/N");
        session.Note($"share {shard.Index} of {shard.Count}, by {variable}; --shard 0/1 describes all");
        return shard;
    }

    static StoreShard ParseShard(string text)
    {
        string[] ends = text.Split('/');
        if (ends.Length == 2 && TryNumber(ends[0], out int index) && TryNumber(ends[1], out int count) && index < count) return new StoreShard(index, count);
        throw new ArgumentException($"--shard is '{text}'; give I/N with I from 0 to N−1, such as 0/4, or N alone in a job whose index the environment says");
    }

    static bool TryNumber(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
