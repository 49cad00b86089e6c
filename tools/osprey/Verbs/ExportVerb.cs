using System.CommandLine;
using Osprey.Engine.Interchange;
using Osprey.Engine.Retrieval;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class ExportVerb : Verb
{
    readonly Argument<string> from = new("STORE|INDEX") { Description = "A store of 'embed', or an index file of 'index'." };

    readonly Option<string?> to = Flag.Text("--to", "FILE", "What to write; its extension says the format: .npy (NumPy), .parquet, .faiss (flat index), .pgcopy (PostgreSQL's binary COPY, pgvector).", required: true);

    readonly Option<Metric?> metric = Flag.Choice<Metric>("--metric", "Of a .faiss file from a store; cosine scales rows to length 1 for the inner product. Default: the index's own, cosine for a store.");

    public ExportVerb()
        : base("export", "Writes descriptors for other programs: NumPy, Parquet, FAISS, PostgreSQL with pgvector.")
    {
        Add(from);
        Add(to);
        Add(metric);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "export stores/ucm --to ucm.parquet",
        "export stores/ucm --to ucm.faiss --metric l2",
        "export stores/ucm/exact.index --to ucm.npy",
        "export stores/ucm --to ucm.pgcopy",
    ];

    public override string Notes => "Row i of the store is row i of the file, and its id there. Beside .npy and .faiss stands FILE.csv with path and class of each row; the other two hold them. Above 2,000 dimensions .pgcopy has halfvec in place of vector, and above 4,000 pgvector has no index. Formats and examples: docs/interchange.md.";

    public override int Run(ParseResult arguments, Session session)
    {
        using DescriptorSource source = DescriptorSource.Open(arguments.GetRequiredValue(from));
        string file = InputFile.Writable(arguments.GetRequiredValue(to)!);
        ExportResult written = DescriptorExport.Write(source, file, arguments.GetValue(metric), session.Progress, session.Cancellation);
        long bytes = new FileInfo(file).Length;
        if (session.Json)
        {
            session.Write(new { written.File, written.Format, written.RowList, source.Rows, source.Dimension, written.Type, written.Metric, Bytes = bytes });
            return ExitCode.Done;
        }
        Table table = Tables.Create("file", ">rows", ">dimension", "type", ">MB");
        table.Row(file, $"{source.Rows}", $"{source.Dimension}", Flag.NameOf(written.Type), $"{bytes / 1e6:0.0}");
        session.Write(table);
        if (written.RowList is not null) session.Note($"written: {written.RowList}, path and class of each row");
        if (written.Format == ExchangeFormat.PostgresCopy)
        {
            string type = written.Type == StoreType.Float16 ? "halfvec" : "vector";
            session.Note($"CREATE TABLE descriptors (id bigint PRIMARY KEY, path text, class text, embedding {type}({source.Dimension}));");
            // psql takes the line as it is, but for the quotes.
            session.Note($"\\copy descriptors FROM '{file.Replace("'", "''", StringComparison.Ordinal)}' WITH (FORMAT binary)");
            session.Note(source.Dimension > DescriptorExport.LargestIndexedHalfVector
                ? $"-- pgvector makes no index of more than {DescriptorExport.LargestIndexedHalfVector} dimensions: a search reads all rows, exactly"
                : $"CREATE INDEX ON descriptors USING hnsw (embedding {type}_cosine_ops);  -- approximate; without it a search is exact");
        }
        return ExitCode.Done;
    }
}
