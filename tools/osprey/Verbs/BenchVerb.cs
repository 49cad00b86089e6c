using System.CommandLine;
using Osprey.Engine.Benchmarks;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class BenchVerb : Verb
{
    readonly Option<string[]> only = Flag.Texts("--only", "OP", $"Measure these only, by operation or room: {string.Join(", ", Contests.Names)}.");

    readonly Option<bool> quick = Flag.Switch("--quick", "Small shapes, seconds in all: shows that everything runs and is right, not how fast it is.");

    readonly Option<bool> large = Flag.Switch("--large", "Also the searches that take gigabytes and minutes. One that --only names runs without it.");

    readonly Option<double?> seconds = Flag.Number("--seconds", "About how long each operation is measured, ours and peers together, 0.01 to 3600; slow ones are called three times at least. Default 0.5, with --quick 0.05.", 0.01, 3600, value: "S");

    readonly Option<string?> rows = Flag.Text("--rows", "FILE.npy", "Also search these descriptors, float32 or float16 [N, D]: as unit rows, up to 1000 of them taken out to be the queries.");

    readonly Option<string?> images = Flag.Text("--images", "DIR", "Also describe these images, from files to a store: embed-own.");

    readonly Option<string?> output = Flag.Text("--out", "DIR", "Also write DIR/MACHINE/NAME.json and .md; MACHINE is processor and cores.");

    readonly Option<string?> name = Flag.Text("--name", "NAME", "What the files of --out are called. Default bench.");

    public BenchVerb()
        : base("bench", "Measures the kernels beside what one would use instead, and beside what this machine can do at most.")
    {
        foreach (Option option in new Option[] { only, quick, large, seconds, rows, images, output, name }) Add(option);
        Validators.Add(result =>
        {
            if (result.GetValue(quick) && result.GetValue(large)) result.AddError("--quick and --large exclude each other");
            if (result.GetValue(name) is string given && (result.GetValue(output) is null || given.Length == 0 || given.AsSpan().IndexOfAny(Path.GetInvalidFileNameChars()) >= 0))
                result.AddError("--name is the name of a file and belongs to --out");
            foreach (string word in result.GetValue(only) ?? [])
            {
                if (!Contests.Names.Contains(word)) result.AddError($"--only is '{word}'; give {string.Join(", ", Contests.Names)}");
            }
        });
    }

    public override IReadOnlyList<string> Examples => ["bench", "bench --only pooling linf-step", "bench --only search-wide --json", "bench --quick --only search", "bench --only embed-own --images eurosat", "bench --out Bench/results"];

    public override string Notes =>
        "Peers: libtorch's eager operations; for search its product and selection, and FAISS's flat index where a python3 has faiss (OSPREY_PYTHON names one); for embed, the network on images that lie ready, whose ratio is the share of the backbone's rate that is left, and the loading alone. Ours and the peers take turns, and a time is the median of the turns. "
        + "The floor is the least time that this machine leaves: the bytes at the measured bandwidth of a read or a copy or, for a search, its 8-bit multiplications at the measured peak; 'multiply' is the float32 peak. "
        + "The error is against 64-bit arithmetic, relative to the largest value. The last column counts ranks whose ids differ from the peer's and those that differ only because scores tie within 1e-6, the largest difference of scores, and the index's memory over that of the rows."
        + "\n\nLeave the machine alone while it runs.";

    public override int Run(ParseResult arguments, Session session)
    {
        bool small = arguments.GetValue(quick);
        var config = new BenchmarkConfig
        {
            Size = small ? BenchmarkSize.Quick : arguments.GetValue(large) ? BenchmarkSize.Large : BenchmarkSize.Standard,
            Only = arguments.GetValue(only) ?? [],
            Seconds = arguments.GetValue(seconds) ?? (small ? 0.05 : 0.5),
            Rows = arguments.GetValue(rows) is string file ? InputFile.Required(file) : null,
            Images = arguments.GetValue(images),
            Seed = session.Seed,
        };
        BenchmarkReport report = Benchmarker.Run(config, session.Device, session.Progress, session.Cancellation);
        if (arguments.GetValue(output) is string folder)
        {
            foreach (string path in report.Write(folder, arguments.GetValue(name) ?? "bench")) session.Note($"written: {path}");
        }
        if (session.Json)
        {
            session.Write(report);
            return ExitCode.Done;
        }
        Table table = Tables.Create([.. BenchmarkTable.Columns]);
        foreach (BenchmarkResult result in report.Results) table.Row([.. BenchmarkTable.Cells(result)]);
        session.Write(table);
        session.WriteLine(BenchmarkTable.Caption(report.Machine));
        return ExitCode.Done;
    }
}
