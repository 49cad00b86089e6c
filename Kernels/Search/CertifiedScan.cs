using System.Runtime.CompilerServices;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Search;

/// <summary>
/// The certified search on this process's cores. A sample of the codes gives each query a guess at the score of its k-th best row; then the tiles
/// are scanned, what could reach the guess is scored in fp32, and guesses are tightened as scores come in. A guess that proves too bold
/// (<see cref="CertifiedRun.Holds"/>) costs its query a second scan, with a limit that is certain. So the answer never depends on a guess, on the
/// order of tiles, or on threads.
/// </summary>
sealed unsafe class CertifiedScan : IDisposable
{
    /// <summary>Share of the rows in the first sample.</summary>
    const double SampleShare = 0.015;

    /// <summary>Blocks that a thread takes of a sample at a time.</summary>
    const int SampleStep = 8;

    readonly PinnedRows source;
    readonly CodedRows? rows;
    readonly CodeScan scan;
    readonly HostTeam team;
    readonly double boldness;
    readonly int threads;
    readonly CertifiedWorker[] workers;
    readonly CodedQueries prepared;
    readonly CertifiedRun run;
    readonly CellSearch? cells;
    readonly Scratch<float> sample = new();
    readonly Action<int> prepare, takeSample, guess, consume, exhaust, certify;
    int[] again = [];
    float[] certain = [];
    TopK? best;
    int next, sampleTiles, sampleStride, sampleRank, milestone, failed;
    bool everyValue;

    /// <param name="source">The fp32 rows.</param>
    /// <param name="rows">Their codes, or null: then every row is scored.</param>
    /// <param name="similarity">Which score is better.</param>
    /// <param name="scan">Which level.</param>
    /// <param name="team">Of <paramref name="threads"/> threads.</param>
    /// <param name="threads">1 or more.</param>
    /// <param name="boldness">Standard deviations that a guess stays on the safe side; fewer make it fail more often.</param>
    public CertifiedScan(PinnedRows source, CodedRows? rows, Similarity similarity, CodeScan scan, HostTeam team, int threads, double boldness)
    {
        this.source = source;
        this.rows = rows;
        this.scan = scan;
        this.team = team;
        this.threads = threads;
        this.boldness = boldness;
        workers = new CertifiedWorker[threads];
        for (int t = 0; t < threads; t++) workers[t] = new CertifiedWorker(source, rows);
        prepared = new CodedQueries(source.Dimension, rows, scan);
        run = new CertifiedRun(similarity, prepared);
        if (rows?.Cells is not null) cells = new CellSearch(rows, scan, team, workers, run, boldness);
        prepare = Prepare;
        takeSample = TakeSample;
        guess = Guess;
        consume = Consume;
        exhaust = Exhaust;
        certify = Certify;
    }

    /// <summary>Queries that had to be scanned again, over the life of this.</summary>
    public long Repeated { get; private set; }

    /// <summary>Searches in which cells of rows were left out, over the life of this.</summary>
    public long CellScans => cells?.Scans ?? 0;

    /// <summary>The k best rows of each query into <paramref name="results"/>, which holds nothing of these queries yet.</summary>
    public void Search(float* queries, ReadOnlySpan<int> which, long* excluded, ulong* allowed, TopK results)
    {
        best = results;
        run.Begin(queries, which.Length, excluded, allowed, results, null);
        Ready(which, coded: true);
        bool sampled = cells is null && PlanSample(results.K);
        int keys = Math.Max(results.MostKept, sampled ? sampleStride : cells?.Plan(results.K) ?? 0);
        foreach (CertifiedWorker worker in workers)
            if (worker.Keys.Length < keys) worker.Keys = new ulong[keys];
        if (sampled)
        {
            RunAll(takeSample);
            RunAll(guess);
        }
        // Guesses are tightened by the share of the rows seen, which says nothing where rows are not in a random order.
        milestone = cells is null ? 2 * Math.Max(sampleTiles, threads) : rows!.Tiles;
        if (cells?.Search() != true) RunAll(consume);

        // A query whose guess was too bold is scanned again, now with a limit that is certain.
        if (again.Length < which.Length)
        {
            again = new int[which.Length];
            certain = new float[which.Length];
        }
        failed = 0;
        RunAll(certify);
        if (failed == 0) return;
        Repeated += failed;
        foreach (int query in again.AsSpan(0, failed)) best.Forget(query);
        Ready(again.AsSpan(0, failed), coded: true);
        for (int i = 0; i < failed; i++) run.Guess(i, certain[i]);
        milestone = rows!.Tiles;
        RunAll(consume);
    }

    /// <summary>Every row that reaches the radius, for each query.</summary>
    public void Search(float* queries, ReadOnlySpan<int> which, long* excluded, ulong* allowed, RangeHits hits)
    {
        best = null;
        run.Begin(queries, which.Length, excluded, allowed, null, hits);
        Ready(which, coded: true);
        milestone = rows!.Tiles;
        RunAll(consume);
    }

    /// <summary>Scores every allowed row in fp32 for each query, without codes.</summary>
    public void Exhaust(float* queries, ReadOnlySpan<int> which, long* excluded, ulong* allowed, TopK? results, RangeHits? hits)
    {
        run.Begin(queries, which.Length, excluded, allowed, results, hits);
        Ready(which, coded: false);
        RunAll(exhaust);
    }

    void Ready(ReadOnlySpan<int> which, bool coded)
    {
        prepared.Begin(which, coded);
        run.Open();
        RunAll(prepare);
    }

    void RunAll(Action<int> work)
    {
        next = -1;
        team.Run(work, threads);
    }

    int Next() => Interlocked.Increment(ref next);

    void Prepare(int worker)
    {
        for (int panel = Next(); panel < prepared.Panels; panel = Next()) prepared.Prepare(panel, run.Queries, workers[worker].Work);
    }

    void Exhaust(int worker)
    {
        uint* ids = stackalloc uint[CertifiedWorker.LeastPlaces];
        for (long first = (long)Next() * CertifiedWorker.LeastPlaces; first < source.Count; first = (long)Next() * CertifiedWorker.LeastPlaces)
        {
            int places = 0;
            for (long id = first; id < Math.Min(source.Count, first + CertifiedWorker.LeastPlaces); id++)
                if (run.Allowed is null || (run.Allowed[id / 64] >> (int)(id % 64) & 1) != 0) ids[places++] = (uint)id;
            workers[worker].ScoreAll(run, ids, places);
        }
    }

    void Consume(int worker)
    {
        int tiles = rows!.Tiles;
        for (int tile = Next(); tile < tiles; tile = Next())
        {
            int due = Volatile.Read(ref milestone);
            if (tile >= due && Interlocked.CompareExchange(ref milestone, due + ((due + 1) / 2), due) == due) Tighten(worker);
            workers[worker].Scan(scan, run, tile);
        }
    }

    void Certify(int worker)
    {
        for (int slot = Next(); slot < prepared.Count; slot = Next())
        {
            if (run.Holds(slot, workers[worker].Keys, out float limit)) continue;
            int at = Interlocked.Increment(ref failed) - 1;
            again[at] = prepared.QueryOf(slot);
            certain[at] = limit;
        }
    }

    /// <summary>Rank in a share of all rows that the k-th best of all hardly ever falls behind.</summary>
    int SafeRank(int k, double share) => Math.Max(1, (int)Math.Ceiling((k * share) + (boldness * Math.Sqrt(k * share * (1 - share))) + (boldness / 2)));

    /// <summary>Guesses anew from the scores found so far.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Tighten(int worker)
    {
        Span<ulong> keys = workers[worker].Keys;
        for (int slot = 0; slot < prepared.Count; slot++)
        {
            int found = best!.Copy(prepared.QueryOf(slot), keys);
            // Read after the scores: they come from no more tiles than these, and a share that is too large is on the safe side.
            double share = Math.Min(1, (Volatile.Read(ref next) + 1.0) / rows!.Tiles);
            int rank = SafeRank(best.K, share);
            if (rank < best.K && rank <= found) run.Guess(slot, CandidateKey.Score(run.Similarity, CandidateKey.AtRank(keys[..found], rank)));
        }
    }

    /// <summary>How many tiles to sample, and which rank among them to take; false where no sample would help.</summary>
    bool PlanSample(int k)
    {
        sampleTiles = 0;
        int tiles = rows!.Tiles;
        // The last tile may be short.
        if (tiles < 4) return false;
        int wanted = Math.Clamp((int)Math.Ceiling(tiles * SampleShare), 1, tiles / 4);
        double share = (double)wanted / tiles;
        // An excluded row is in the sample as any other.
        sampleRank = SafeRank(k, share) + (run.Excluded is null ? 0 : 1);
        int blocks = wanted * rows.TileBlocks;
        everyValue = sampleRank > blocks / 3;
        sampleStride = blocks * (everyValue ? CodeScan.BlockRows : 1);
        if (sampleRank > sampleStride / 2) return false;
        sampleTiles = wanted;
        sample.Ensure((nint)prepared.Count * sampleStride);
        return true;
    }

    void TakeSample(int worker)
    {
        int blocks = sampleTiles * rows!.TileBlocks;
        for (int first = Next() * SampleStep; first < blocks; first = Next() * SampleStep)
            workers[worker].Sample(scan, run, first, Math.Min(SampleStep, blocks - first), everyValue, sample.Pointer, sampleStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Guess(int worker)
    {
        Span<ulong> keys = workers[worker].Keys.AsSpan(0, sampleStride);
        for (int slot = Next(); slot < prepared.Count; slot = Next())
        {
            float* values = sample.Pointer + ((nint)slot * sampleStride);
            for (int i = 0; i < keys.Length; i++) keys[i] = CandidateKey.Encode(Similarity.InnerProduct, values[i], 0);
            float value = CandidateKey.Score(Similarity.InnerProduct, CandidateKey.AtRank(keys, sampleRank));
            if (float.IsFinite(value)) run.Guess(slot, prepared.Estimate(slot, value));
        }
    }

    public void Dispose()
    {
        foreach (CertifiedWorker worker in workers) worker.Dispose();
        prepared.Dispose();
        run.Dispose();
        sample.Dispose();
        cells?.Dispose();
    }
}
