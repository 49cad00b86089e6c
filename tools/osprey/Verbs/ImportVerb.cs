using System.CommandLine;
using Osprey.Engine.Interchange;
using Osprey.Engine.Retrieval;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class ImportVerb : Verb
{
    readonly Argument<string> file = new("FILE") { Description = "Descriptors: .npy (float32 or float16 [N, D]), .parquet (a column 'descriptor'), or .faiss (a flat index)." };

    readonly Option<string?> output = Flag.Text("--out", "STORE", "Folder of the store to make.", required: true);

    readonly Option<string?> rows = Flag.Text("--rows", "FILE.csv", "What each row of an .npy or .faiss is of: a CSV with a column 'path', and 'class' if known. Default: the CSV beside the file, if it is there.");

    readonly Option<string?> like = Flag.Text("--like", "STORE", "A store of the same model; its record of it is taken over, so that images can be searched with. Default: none, and only --vectors can be searched with.");

    readonly Option<StoreType?> type = Flag.Choice<StoreType>("--dtype", "How descriptors are stored, as for 'embed'. Default float32.", StoreType.Float32);

    public ImportVerb()
        : base("import", "Makes a store of descriptors that another program computed, or that 'export' wrote.")
    {
        Add(file);
        foreach (Option option in new Option[] { output, rows, like, type }) Add(option);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "import ucm.faiss --out stores/ucm-2",
        "import clip.npy --rows clip.csv --out stores/clip",
        "import ucm.parquet --like stores/ucm --out stores/ucm-2 --dtype float16",
    ];

    public override string Notes => "Row i of the file is row i of the store. The metric of a .faiss is told and not kept: 'index --metric' gives it to the store. Formats and examples: docs/interchange.md.";

    public override int Run(ParseResult arguments, Session session)
    {
        string from = InputFile.Required(arguments.GetRequiredValue(file)), to = arguments.GetRequiredValue(output)!;
        string? list = arguments.GetValue(rows) is string name ? InputFile.Required(name) : null;
        var config = new ImportConfig { RowList = list, Like = arguments.GetValue(like), Type = arguments.GetValue(type)!.Value };
        DescriptorStore store = DescriptorImport.Run(from, to, config, session.Progress, session.Cancellation);
        Metric? metric = DescriptorImport.MetricOf(from);
        if (session.Json)
        {
            session.Write(new { Store = to, store.Rows, store.Dimension, Parts = store.Manifest.Parts.Count, Classes = store.Manifest.Classes.Count, Metric = metric });
            return ExitCode.Done;
        }
        Table table = Tables.Create("store", ">rows", ">dimension", ">parts", ">classes");
        table.Row(to, $"{store.Rows}", $"{store.Dimension}", $"{store.Manifest.Parts.Count}", $"{store.Manifest.Classes.Count}");
        session.Write(table);
        if (metric is { } was)
        {
            string alike = was == Metric.InnerProduct ? "finds the same where all rows have length 1; to search by the inner product" : "is another; to search by l2";
            session.Note($"{from} is an index of the metric {Flag.NameOf(was)}, which a store does not keep. The cosine, by which stores are searched, {alike}, run 'osprey index {to} --metric {Flag.NameOf(was)}'");
        }
        return ExitCode.Done;
    }
}
