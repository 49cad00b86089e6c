using System.CommandLine;
using System.Globalization;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class EmbedVerb : Verb
{
    readonly Option<string[]> data = Flag.Texts("--data", "DIR", "Folder of images, with or without class folders; several are joined.", required: true);

    readonly Option<string?> model = Flag.Text("--model", "RUN|FILE", "Run folder of 'train', or weights alone (torchvision's names): then backbone, GeM p=3, L2.", required: true);

    readonly Option<string?> output = Flag.Text("--out", "STORE", "Folder of the store. One that is there is gone on with.", required: true);

    readonly Option<int?> size = Flag.Whole<int>("--size", "Side of the square every image is resized to, pixels, 16 to 8192. Default: the run's own; 256 for weights alone.", 16, 8192, value: "PX");

    readonly Option<StoreType?> type = Flag.Choice<StoreType>("--dtype", "How descriptors are stored; float16 is half the size at three digits. Default float32.", StoreType.Float32);

    readonly Option<int?> batch = Flag.Whole<int>("--batch", "Images per forward pass, 1 to 4096. Default 32.", 1, 4096, 32);

    readonly Option<int?> part = Flag.Whole<int>("--part", "Images per part: at most so many are described again after an interruption. Default 1024.", 1, 1_000_000, 1024, "IMAGES");

    readonly Option<string?> shard = Flag.Text("--shard", "I/N", "Describe only share I (0 to N−1) of N, so that N processes can share a set. Default: all.");

    readonly ScaleFlag scales = new();

    readonly DecodeFlags decoding = new();

    public EmbedVerb()
        : base("embed", "Describes every image of a folder: descriptors and metadata in parts, resumed by itself.")
    {
        foreach (Option option in new Option[] { data, model, output, size, type, batch, part, shard }) Add(option);
        scales.AddTo(this);
        decoding.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "embed --data ucm --model runs/aid --out stores/ucm",
        "embed --data ucm --model squeezenet1_1.safetensors --size 128 --dtype float16 --out stores/ucm",
        "embed --data sentinel --bands 4,3,2 --range 0:3000 --model runs/aid --out stores/sentinel",
        "embed --data ucm --model runs/aid --scales 1 0.7071 0.5 --out stores/ucm-scales",
        "embed --data patternnet --model runs/aid --shard 0/4 --out stores/patternnet-0",
    ];

    public override string Notes => "A file that cannot be read is skipped, named on stderr and in STORE/bad-files.txt; the exit code is 0 unless all are bad. STORE holds manifest.json, part-00000.npy and part-00000.parquet, …";

    public override int Run(ParseResult arguments, Session session)
    {
        var config = new StoreExtractionConfig
        {
            Decoding = decoding.Bind(arguments),
            Type = arguments.GetValue(type)!.Value,
            BatchSize = arguments.GetValue(batch)!.Value,
            PartImages = arguments.GetValue(part)!.Value,
            Shard = ParseShard(arguments.GetValue(shard)),
        };
        config.Validate();
        ImageSet set = DataFolders.OpenJoined(arguments.GetRequiredValue(data), split: null);
        string from = arguments.GetRequiredValue(model)!, to = arguments.GetRequiredValue(output)!;

        session.ConfigureTorch();
        using Embedder embedder = Embedder.Open(from, session.Device, arguments.GetValue(size), scales.Bind(arguments));
        DescriptorStore store = StoreExtraction.Run(embedder, from, set, to, config, session.Threads, session.Progress, session.Cancellation);

        BadFile[] bad = [.. store.ReadBadFiles().Select(b => b with { Path = Path.Combine(set.Root, b.Path) })];
        session.Warn(bad);
        if (session.Json)
        {
            session.Write(new { Store = to, store.Rows, store.Dimension, Parts = store.Manifest.Parts.Count, BadFiles = bad });
            return ExitCode.Done;
        }
        Table table = Tables.Create("store", ">rows", ">dimension", ">parts", ">bad files");
        table.Row(to, $"{store.Rows}", $"{store.Dimension}", $"{store.Manifest.Parts.Count}", $"{bad.Length}");
        session.Write(table);
        return ExitCode.Done;
    }

    static StoreShard? ParseShard(string? text)
    {
        if (text is null) return null;
        string[] ends = text.Split('/');
        if (ends.Length == 2 && int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int index) && int.TryParse(ends[1], NumberStyles.None, CultureInfo.InvariantCulture, out int count) && index < count)
            return new StoreShard(index, count);
        throw new ArgumentException($"--shard is '{text}'; give I/N with I from 0 to N−1, such as 0/4");
    }
}
