using System.CommandLine;
using Osprey.Engine.Benchmarks.Scale;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class ScaleRowsVerb : Verb
{
    readonly Option<string?> output = Flag.Text("--out", "FILE.npy", "Where they go: float32 [N, D].", required: true);

    readonly Option<long?> rows = Flag.Whole<long>("--rows", "How many, 1 to 1000000000. Default 100000.", 1, 1_000_000_000, 100_000);

    readonly Option<int?> dimension = Flag.Whole<int>("--dim", "Values of each, 1 to 65536. Default 128.", 1, 65536, 128, value: "D");

    public ScaleRowsVerb()
        : base("rows", "Draws descriptors, uniform on the unit sphere, to measure a search with.")
    {
        foreach (Option option in new Option[] { output, rows, dimension }) Add(option);
    }

    public override IReadOnlyList<string> Examples => ["scale rows --rows 1000000 --dim 128 --out rows.npy", "scale rows --rows 100 --dim 128 --seed 2 --out queries.npy"];

    public override string Notes => "The same seed draws the same bytes, and more rows begin with the fewer. Of all rows these are the hardest to prune: no search of real descriptors takes longer. 'import' makes a store of them.";

    public override int Run(ParseResult arguments, Session session)
    {
        string to = InputFile.Writable(arguments.GetRequiredValue(output)!);
        long count = arguments.GetValue(rows)!.Value;
        int values = arguments.GetValue(dimension)!.Value;
        GaussianRows.Write(to, count, values, session.Seed, session.Threads, session.Progress, session.Cancellation);
        if (session.Json)
        {
            session.Write(new { Out = to, Rows = count, Dimension = values, session.Seed });
            return ExitCode.Done;
        }
        Table table = Tables.Create("written", ">rows", ">dimension", ">seed");
        table.Row(to, $"{count}", $"{values}", $"{session.Seed}");
        session.Write(table);
        return ExitCode.Done;
    }
}
