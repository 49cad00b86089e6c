namespace Osprey.Engine.Benchmarks.Scale;

/// <summary>What a search costs on the machine that <c>runs.jsonl</c> is of: linear in what it does, and fitted to the runs. Seconds; W workers, R ranks.</summary>
/// <remarks>
/// search = call + Q·(query + N·D·scan/W + [R > 1]·R·k·merge). Prepare = read + N·part. Open of one process = open + N·D·check; of ranks = open' + N·D·code/W.
/// Start and end, what is left of the whole, is one number for one process and one for each number of ranks.
/// </remarks>
public sealed record ScaleFit
{
    /// <summary>A search of however few queries.</summary>
    public required double Call { get; init; }

    /// <summary>A query of however few rows.</summary>
    public required double Query { get; init; }

    /// <summary>A value of a row, on one worker.</summary>
    public required double Scan { get; init; }

    /// <summary>A neighbour of one rank that rank 0 merges.</summary>
    public required double Merge { get; init; }

    /// <summary>Queries, and a store of however few rows.</summary>
    public required double Prepare { get; init; }

    /// <summary>A row's share of the manifest and of the parts' files, which are opened.</summary>
    public required double Part { get; init; }

    /// <summary>An index of however few rows.</summary>
    public required double Open { get; init; }

    /// <summary>A value of the index that is read and checked.</summary>
    public required double Check { get; init; }

    /// <summary>The ranks' beginning, of however few rows.</summary>
    public required double OpenRanks { get; init; }

    /// <summary>A value that a worker reads from the store and codes.</summary>
    public required double Code { get; init; }

    /// <summary>Starting and ending the processes, by their number.</summary>
    public required IReadOnlyDictionary<int, double> Start { get; init; }

    /// <exception cref="ArgumentException">A time is not above 0.</exception>
    public static ScaleFit Of(IReadOnlyList<ScaleRun> runs)
    {
        double[] search = Solve(runs, SearchTerms, r => r.SearchSeconds), prepare = Solve(runs, r => [1, r.Rows], r => r.PrepareSeconds);
        double[] open = Solve([.. runs.Where(r => r.Ranks == 1)], r => [1, Values(r)], r => r.OpenSeconds);
        double[] ranks = Solve([.. runs.Where(r => r.Ranks > 1)], r => [1, Values(r) / r.Workers], r => r.OpenSeconds);
        return new ScaleFit
        {
            Call = search[0],
            Query = search[1],
            Scan = search[2],
            Merge = search[3],
            Prepare = prepare[0],
            Part = prepare[1],
            Open = open[0],
            Check = open[1],
            OpenRanks = ranks[0],
            Code = ranks[1],
            Start = runs.GroupBy(r => r.Ranks).OrderBy(g => g.Key)
                .ToDictionary(g => g.Key, g => ScaleRun.Median(g, r => r.Seconds - r.PrepareSeconds - r.OpenSeconds - r.SearchSeconds)),
        };
    }

    static double[] Solve(IReadOnlyList<ScaleRun> runs, Func<ScaleRun, double[]> terms, Func<ScaleRun, double> value) =>
        runs.Count == 0 ? [double.NaN, double.NaN] : NonNegativeFit.Solve([.. runs.Select(terms)], [.. runs.Select(value)]);

    static double Values(ScaleRun run) => (double)run.Rows * run.Dimension;

    static double[] SearchTerms(ScaleRun r) => [1, r.Queries, r.Queries * Values(r) / r.Workers, r.Ranks > 1 ? (double)r.Queries * r.Ranks * r.K : 0];

    /// <summary>The search of a run, by the model.</summary>
    public double SearchSeconds(ScaleRun run) => Call + (run.Queries * QuerySeconds(run.Rows, run.Dimension, run.Ranks, run.Workers, run.K));

    /// <summary>One query more, by the model.</summary>
    public double QuerySeconds(double rows, int dimension, int ranks, int workers, int k) => Query + (Scan * rows * dimension / workers) + (ranks > 1 ? Merge * ranks * k : 0);

    /// <summary>The whole of a run, by the model.</summary>
    public double Seconds(ScaleRun run) =>
        Start[run.Ranks] + Prepare + (Part * run.Rows) + (run.Ranks == 1 ? Open + (Check * Values(run)) : OpenRanks + (Code * Values(run) / run.Workers)) + SearchSeconds(run);
}
