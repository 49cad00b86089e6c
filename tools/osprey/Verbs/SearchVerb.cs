using System.CommandLine;
using System.Diagnostics;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Distributed;
using Osprey.Engine.Images;
using Osprey.Engine.Interchange;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Formats;
using Osprey.Interop.Mpi;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

enum SearchOutput
{
    Table,
    Json,
    Npz,
}

sealed class SearchVerb : Verb
{
    readonly Argument<string> store = new("STORE") { Description = "A store of 'embed'; its index is used where 'index' has made one." };

    readonly Option<string[]> query = Flag.Texts("--query", "IMG", "Images to search with: files, or folders of them.");

    readonly Option<string?> vectors = Flag.Text("--vectors", "Q.npy", "Descriptors to search with instead: float32 or float16 [Q, D].");

    readonly Option<int?> k = new("-k") { HelpName = "K", Description = "Neighbours of each query, 1 to 1000000. Default 10.", DefaultValueFactory = _ => 10 };

    readonly Option<double?> radius = Flag.Number("--radius", "Instead of K neighbours, every image at least this near: cosine or inner product at least R, or squared distance at most R.", value: "R");

    readonly Option<string[]> onlyClass = Flag.Texts("--only-class", "NAME", "Finds only images of these classes.");

    readonly RefinementFlags refinement = new(
        "Search with each query expanded: the mean of itself and its n nearest images, weighted by their cosines to the power α (Radenović et al. 2018).",
        "Re-rank the first images found by k-reciprocal neighbours among them and the query (Zhong et al. 2017).");

    readonly Option<int?> reRankFirst = Flag.Whole<int>("--rerank-first", "Images that --rerank puts in a new order, -k or more, to 100000; their square is the work. Default 100, or -k.", 1, 100_000);

    readonly Option<string?> model = Flag.Text("--model", "RUN|FILE", "The model that describes the queries. Default: the one that the store was made with, where it was then.");

    readonly Option<SearchOutput?> output = Flag.Choice<SearchOutput>("--output", "table or json on stdout; npz: ids [Q,K] int64, scores [Q,K] float32 and queries [Q] in the file --out. Default table.");

    readonly Option<string?> file = Flag.Text("--out", "FILE.npz", "Where --output npz goes.");

    readonly Option<string?> geoJson = Flag.Text("--geojson", "FILE", "Also writes what was found as GeoJSON: one feature each, with its footprint where the store knows it.");

    readonly Option<string?> summary = Flag.Text("--summary", "FILE.json", "Also writes what was searched and where the time went: opening the store and reading queries, opening the index, searching.");

    public SearchVerb()
        : base("search", "Finds the nearest images of a store, exactly.")
    {
        Add(store);
        foreach (Option option in new Option[] { query, vectors, k, radius, onlyClass, model, output, file, geoJson, summary }) Add(option);
        refinement.AddTo(this);
        Add(reRankFirst);
        k.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!int.TryParse(result.Tokens[0].Value, out int n) || n is < 1 or > 1_000_000)) result.AddError($"-k is '{result.Tokens[0].Value}'; give a whole number, 1 to 1000000");
        });
        Validators.Add(result =>
        {
            if ((result.GetValue(query) is { Length: > 0 }) == (result.GetValue(vectors) is not null)) result.AddError("give images with --query, or descriptors with --vectors");
            if ((result.GetValue(output) == SearchOutput.Npz) != (result.GetValue(file) is not null)) result.AddError("--output npz and --out FILE.npz belong together");
            if (!result.GetValue(refinement.ReRank) && result.GetValue(reRankFirst) is not null) result.AddError("--rerank-first says how many; give --rerank as well");
            if (result.GetValue(reRankFirst) < result.GetValue(k)) result.AddError($"--rerank-first is {result.GetValue(reRankFirst)} and -k {result.GetValue(k)}; re-rank as many as are shown, or more");
            if (result.GetValue(refinement.ReRank) && (result.GetValue(radius) is not null || result.GetValue(refinement.Expand))) result.AddError("--rerank goes with neither --radius nor --expand; give one");
            if (result.GetValue(radius) is not null && result.GetResult(k) is { Implicit: false }) result.AddError("give -k or --radius, not both");
            if (result.GetValue(radius) is not null && result.GetValue(file) is not null) result.AddError("--output npz needs a fixed number of neighbours; give -k instead of --radius");
        });
    }

    public override IReadOnlyList<string> Examples =>
    [
        "search stores/ucm --query harbour.jpg runway.tif -k 5",
        "search stores/ucm --query harbour.jpg -k 5 --json",
        "search stores/ucm --query harbour.jpg --radius 0.8 --only-class harbor",
        "search stores/ucm --query harbour.jpg --expand --expand-neighbours 5",
        "search stores/ucm --query harbour.jpg -k 20 --rerank --rerank-first 200",
        "search stores/scene --query harbour.jpg -k 20 --geojson hits.geojson",
        "search stores/ucm --vectors queries.npy -k 100 --output npz --out neighbours.npz",
        "search stores/ucm --vectors queries.npy -k 100 --output npz --out neighbours.npz --summary times.json",
    ];

    public override string Notes => "Queries are decoded, resized and described (scales, turns, precision) as the store's manifest records. The score is the cosine (larger is nearer) unless the index was built with another metric; of l2 it is the squared distance. Of a re-ranked image it is 1 − the final distance, 0 to 1."
        + "\n\nNothing is left out: an image that is in the store is its own nearest, and --expand counts it twice. Both need the cosine, and --only-class limits what they look at, too."
        + "\n\nStarted by mpirun, the processes share the rows, and the answer stays the same: docs/scale.md. --expand and --rerank need one process.";

    public override bool RunsOnRanks => true;

    public override int Run(ParseResult arguments, Session session)
    {
        ICommunicator ranks = session.Ranks;
        long began = Stopwatch.GetTimestamp();
        DescriptorStore opened = ranks.RunOnAll(() => Open(arguments, ranks));
        string? target = arguments.GetValue(file);
        // Rank 0 alone reads and describes the queries.
        (Queries queries, RowFilter? filter) = ranks.RunOnAll(() => ranks.Rank == 0 ? Prepare(arguments, opened, session) : (new Queries([], []), null));
        long prepared = Stopwatch.GetTimestamp();

        using ExactIndex? whole = ranks.Size == 1 ? OpenIndex(opened, session) : null;
        using DistributedIndex? shared = whole is null ? DistributedIndex.Open(ranks, opened, session.Device, ranks.RunOnAll(() => MetricOf(opened, session))) : null;
        long ready = Stopwatch.GetTimestamp();
        int count = arguments.GetValue(k)!.Value;
        Ranking? ranking = null;
        RangeRanking? within = null;
        if (whole is not null && refinement.BindExpansion(arguments) is { } expansion) queries = queries with { Values = expansion.Expand(whole, queries.Values, default, filter) };
        if (arguments.GetValue(radius) is not double r) ranking = whole is null ? shared!.Search(queries.Values, count, filter) : Rank(arguments, whole, queries, filter, session);
        else within = whole is null ? shared!.SearchRange(queries.Values, (float)r, filter) : whole.SearchRange(queries.Values, (float)r, filter);
        long searched = Stopwatch.GetTimestamp();
        if (ranks.Rank != 0) return ExitCode.Done;
        if (arguments.GetValue(summary) is string times)
        {
            static double Seconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds;
            Json.Write(times, new { Store = opened.Path, opened.Rows, opened.Dimension, Ranks = ranks.Size, session.Threads, Queries = queries.Names.Count, K = count, PrepareSeconds = Seconds(began, prepared), OpenSeconds = Seconds(prepared, ready), SearchSeconds = Seconds(ready, searched) });
        }
        Show(arguments, session, opened, queries, target, ranking, within);
        return ExitCode.Done;
    }

    DescriptorStore Open(ParseResult arguments, ICommunicator ranks)
    {
        if (ranks.Size > 1 && (arguments.GetValue(refinement.Expand) || arguments.GetValue(refinement.ReRank)))
            throw new ArgumentException($"--expand and --rerank look at the rows' neighbours, and each of {ranks.Size} processes holds a part of the rows; search with one process");
        return DescriptorStore.Open(arguments.GetRequiredValue(store));
    }

    (Queries Queries, RowFilter? Filter) Prepare(ParseResult arguments, DescriptorStore opened, Session session)
    {
        foreach (string? name in new[] { arguments.GetValue(file), arguments.GetValue(geoJson), arguments.GetValue(summary) })
        {
            if (name is not null) InputFile.Writable(name);
        }
        Queries queries = arguments.GetValue(vectors) is string npy ? ReadVectors(npy, opened) : Describe(arguments, opened, session);
        return (queries, Filter(arguments.GetValue(onlyClass) ?? [], opened));
    }

    void Show(ParseResult arguments, Session session, DescriptorStore opened, Queries queries, string? target, Ranking? ranking, RangeRanking? within)
    {
        Answer[] answers = ranking is not null ? Nearest(ranking) : Within(within!);
        string? places = arguments.GetValue(geoJson);
        // Of a store that is larger than the memory only what was found has to be known by name, and for a file of ids nothing.
        IReadOnlyDictionary<long, StoreRow> rows = opened.ReadRows(target is not null && places is null ? [] : answers.SelectMany(a => a.Ids));
        if (places is not null) WritePlaces(places, session, queries, rows, answers);
        if (target is not null)
        {
            RankingFile.WriteNpz(target, ranking!, queries.Names);
            session.Note($"written: {target}");
            return;
        }
        string PathOf(long id) => Path.Combine(opened.Manifest.Root, rows[id].Path);
        if (session.Json || arguments.GetValue(output) == SearchOutput.Json)
        {
            bool windows = opened.Manifest.Windows is not null || rows.Values.Any(r => r.Window is not null);
            session.Write(new
            {
                Results = answers.Select((a, q) => new
                {
                    Query = queries.Names[q],
                    a.Ids,
                    a.Scores,
                    Paths = a.Ids.Select(PathOf),
                    Classes = a.Ids.Select(i => rows[i].Class),
                    Windows = windows ? a.Ids.Select(i => rows[i].Window is { } w ? new[] { w.X, w.Y, w.Width, w.Height } : null) : null,
                }),
            });
            return;
        }
        for (int q = 0; q < answers.Length; q++)
        {
            session.WriteLine($"{queries.Names[q]}:");
            Table table = Tables.Create(">rank", ">score", "class", "path");
            for (int i = 0; i < answers[q].Ids.Length; i++)
            {
                long id = answers[q].Ids[i];
                table.Row($"{i + 1}", $"{answers[q].Scores[i]:0.0000}", rows[id].Class, rows[id].Window is { } w ? $"{PathOf(id)} {w}" : PathOf(id));
            }
            session.Write(table);
        }
    }

    static void WritePlaces(string path, Session session, Queries queries, IReadOnlyDictionary<long, StoreRow> rows, Answer[] answers)
    {
        Hit[] hits = [.. answers.SelectMany((a, q) => a.Ids.Select((id, i) => new Hit(queries.Names[q], i + 1, a.Scores[i], id, rows[id])))];
        int placed = GeoJsonHits.Write(path, hits);
        string[] others = [.. hits.Where(h => h.Row.Bounds is not null).Select(h => h.Row.Crs ?? "unknown").Distinct()];
        session.Note($"written: {path}");
        if (placed < hits.Length)
            session.Warn($"osprey search: {hits.Length - placed} of {hits.Length} features in {path} have no geometry: their place is unknown, or not in a reference system that is converted to WGS 84{(others.Length > 0 ? $" ({string.Join(", ", others)})" : "")}");
    }

    /// <summary>The k nearest rows of each query, or the first k of more that were put in a new order.</summary>
    Ranking Rank(ParseResult arguments, ExactIndex index, Queries queries, RowFilter? filter, Session session)
    {
        int shown = arguments.GetValue(k)!.Value;
        if (refinement.BindReRanking(arguments) is not { } reRanking) return index.Search(queries.Values, shown, default, filter);
        int first = (int)Math.Min(index.Rows, arguments.GetValue(reRankFirst) ?? Math.Max(100, shown));
        return reRanking.Apply(index, queries.Values, index.Search(queries.Values, Math.Max(1, first), default, filter), session.Device, session.Cancellation).First(shown);
    }

    sealed record Answer(long[] Ids, float[] Scores);

    static Answer[] Nearest(Ranking ranking)
    {
        var answers = new Answer[ranking.Queries];
        for (int q = 0; q < answers.Length; q++)
        {
            int found = ranking.Found(q);
            answers[q] = new Answer(ranking.Ids(q)[..found].ToArray(), ranking.Scores(q)[..found].ToArray());
        }
        return answers;
    }

    static Answer[] Within(RangeRanking ranking)
    {
        var answers = new Answer[ranking.Queries];
        for (int q = 0; q < answers.Length; q++) answers[q] = new Answer(ranking.Ids(q).ToArray(), ranking.Scores(q).ToArray());
        return answers;
    }

    /// <summary>The rows of the named classes; null where none is named.</summary>
    static RowFilter? Filter(string[] classes, DescriptorStore opened)
    {
        if (classes.Length == 0) return null;
        HashSet<string> wanted = [.. classes], known = [];
        var filter = new RowFilter(opened.Rows);
        long row = 0;
        for (int p = 0; p < opened.Manifest.Parts.Count; p++)
        {
            foreach (StoreRow read in opened.ReadRows(p))
            {
                known.Add(read.Class);
                if (wanted.Contains(read.Class)) filter.Allow(row);
                row++;
            }
        }
        foreach (string name in classes)
            if (!known.Contains(name)) throw new InvalidDataException($"the store has no class '{name}'; it has {string.Join(", ", known.Order(StringComparer.Ordinal))}");
        return filter;
    }

    sealed record Queries(IReadOnlyList<string> Names, float[] Values);

    static Queries ReadVectors(string path, DescriptorStore store)
    {
        NpyArray<float> array = Npy.ReadSingles(InputFile.Required(path));
        if (array.Shape.Count != 2 || array.Shape[1] != store.Dimension)
            throw new InvalidDataException($"{path} is [{string.Join(", ", array.Shape)}], and the store's descriptors need [queries, {store.Dimension}]");
        return new Queries([.. Enumerable.Range(0, (int)array.Shape[0]).Select(i => $"{path}[{i}]")], array.Values);
    }

    /// <summary>Describes the query images just as the store's were.</summary>
    Queries Describe(ParseResult arguments, DescriptorStore opened, Session session)
    {
        List<LabelledImage> images = [];
        foreach (string word in arguments.GetRequiredValue(query))
        {
            if (Directory.Exists(word)) images.AddRange(ImageFolder.Open(word).Images);
            else images.Add(new LabelledImage(InputFile.Required(word), 0));
        }
        using Embedder embedder = StoreModel.Open(opened, arguments.GetValue(model), session, out _);
        Preprocessing preprocessing = Preprocessing.Parse(opened.Manifest.Preprocessing);
        var loader = new ImageLoader(new ImageDecoder(preprocessing.Decoding), preprocessing.ImageSize, batchSize: 32, session.Threads);
        Descriptors found = DescriptorExtraction.Extract(embedder, images, loader, session.Progress, cancellation: session.Cancellation);
        session.Warn(found.BadFiles);
        return new Queries([.. found.Indices.Select(i => images[i].Path)], found.Values);
    }

    static ExactIndex OpenIndex(DescriptorStore opened, Session session)
    {
        string saved = Path.Combine(opened.Path, IndexVerb.FileName);
        if (!File.Exists(saved)) return new ExactIndex(opened, session.Device);
        ExactIndex index = ExactIndex.Open(saved, session.Device);
        if (index.StoreSha256 == opened.Sha256) return index;
        index.Dispose();
        NoteStale(saved, opened, session);
        return new ExactIndex(opened, session.Device);
    }

    /// <summary>Of the store's index, where there is one: ranks read their rows from the store, and from the index only what nearness is.</summary>
    static Metric MetricOf(DescriptorStore opened, Session session)
    {
        string saved = Path.Combine(opened.Path, IndexVerb.FileName);
        if (!File.Exists(saved)) return Metric.Cosine;
        (Metric metric, string madeFrom) = ExactIndex.Describe(saved);
        if (madeFrom == opened.Sha256) return metric;
        NoteStale(saved, opened, session);
        return Metric.Cosine;
    }

    static void NoteStale(string saved, DescriptorStore opened, Session session) => session.Note($"{saved} is of another state of the store and is not used; run 'osprey index {opened.Path}' again");
}
