using System.CommandLine;
using Osprey.Engine.Retrieval;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class IndexVerb : Verb
{
    /// <summary>The index's name in its store's folder.</summary>
    public const string FileName = "exact.index";

    readonly Argument<string> store = new("STORE") { Description = "A store of 'embed'." };

    readonly Option<Metric?> metric = Flag.Choice<Metric>("--metric", "What nearness is. Default cosine.", Metric.Cosine);

    public IndexVerb()
        : base("index", "Builds the exact index of a store, so that a search need not read its parts.")
    {
        Add(store);
        Add(metric);
    }

    public override IReadOnlyList<string> Examples => ["index stores/ucm", "index stores/ucm --metric l2"];

    public override string Notes => $"Writes STORE/{FileName}: every descriptor as float32 and, from 2,048 images on, 8-bit codes to search by, with checksums. Neither the making nor a search holds the descriptors in memory, only the codes, about a byte a value. A search with it reads few descriptors from the disk; a search without it, or with one of another state of the store, reads the store itself.";

    public override int Run(ParseResult arguments, Session session)
    {
        DescriptorStore opened = DescriptorStore.Open(arguments.GetRequiredValue(store));
        opened.Verify(session.Progress, session.Cancellation);
        string file = Path.Combine(opened.Path, FileName);
        Metric chosen = arguments.GetValue(metric)!.Value;
        ExactIndex.Build(opened, file, session.Device, chosen, session.Progress, session.Cancellation);
        long bytes = new FileInfo(file).Length;
        if (session.Json)
        {
            session.Write(new { Index = file, opened.Rows, opened.Dimension, Metric = chosen, Bytes = bytes });
            return ExitCode.Done;
        }
        Table table = Tables.Create("index", ">rows", ">dimension", "metric", ">MB");
        table.Row(file, $"{opened.Rows}", $"{opened.Dimension}", Flag.NameOf(chosen), $"{bytes / 1e6:0.0}");
        session.Write(table);
        return ExitCode.Done;
    }
}
