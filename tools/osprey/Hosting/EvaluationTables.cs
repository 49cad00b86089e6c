using Osprey.Engine.Evaluation;
using Osprey.Engine.Robust;
using Osprey.Kernels.Perturbation;
using Spectre.Console;

namespace Osprey.Tool.Hosting;

/// <summary>An evaluation as tables of per cents: a row per model and data set; the report and --json have the rest.</summary>
static class EvaluationTables
{
    /// <summary>The headline figures, as far as they were asked for.</summary>
    static readonly string[] RetrievalFigures = ["map", "p_at_10", "anmrr"], AttackedFigures = ["map", "p_at_10"];

    /// <summary>Clean images, then, where any were attacked, attacked ones.</summary>
    public static IEnumerable<Table> Create(EvaluationResult result)
    {
        yield return Clean(result);
        if (UnderAttack(result) is { } attacked) yield return attacked;
    }

    public static Table Clean(EvaluationResult result)
    {
        bool several = Several(result);
        string[] retrieval = Retrieval(result);
        string[] classifiers = [.. result.Results.SelectMany(r => r.Classification?.Figures.Keys ?? []).Distinct()
            .Where(n => IsHeadline(n, result.Config))];
        Table table = Tables.Create([.. Lead(several), ">mAP", ">95 % interval", .. retrieval.Skip(1).Select(n => ">" + Name(n)), .. classifiers.Select(n => ">" + Name(n))]);
        foreach (ModelResult r in result.Results)
        {
            Figure map = r.Retrieval.Map;
            table.Row([
                .. Lead(several, r), Tables.Percent(map.Value), $"{Tables.Percent(map.Low)}–{Tables.Percent(map.High)}", .. retrieval.Skip(1).Select(n => Tables.Percent(r.Retrieval.Figures[n].Value)),
                .. classifiers.Select(n => r.Classification is { } c ? Cell(c.Figures, n) : "–"),
            ]);
        }
        return table;
    }

    /// <summary>Null where nothing was attacked.</summary>
    public static Table? UnderAttack(EvaluationResult result)
    {
        if (result.Results.All(r => r.Robust.Count == 0)) return null;
        bool several = Several(result);
        string[] attacked = [.. result.Results.SelectMany(r => r.Robust).SelectMany(r => r.Attacked.Keys).Distinct()
            .Where(n => AttackedFigures.Contains(n) || IsHeadline(n, result.Config))];
        Table table = Tables.Create([.. Lead(several), "queries", .. attacked.Select(n => ">" + Name(n)), ">shift"]);
        foreach (ModelResult r in result.Results)
        {
            for (int i = 0; i < r.Robust.Count; i++)
            {
                RobustReport report = r.Robust[i];
                // The same images before any attack: the only figures that those under attack may be compared with.
                if (i == 0) table.Row([.. Lead(several, r), $"{report.Queries} clean", .. attacked.Select(n => Cell(report.Clean, n)), "–"]);
                table.Row([.. Lead(several, r), $"{Name(report.Norm)} {report.Threat.Radius()}", .. attacked.Select(n => Cell(report.Attacked, n)), $"{report.Shift:0.000}"]);
            }
        }
        return table;
    }

    /// <summary>Expanded queries and re-ranked answers, and what they gain over the plain ranking. Null where neither was asked for.</summary>
    public static Table? Refined(EvaluationResult result)
    {
        if (result.Results.All(r => r.Refined is null)) return null;
        bool several = Several(result);
        string[] figures = Retrieval(result);
        Table table = Tables.Create([.. Lead(several), "ranking", ">mAP", ">gain", ">95 % interval", .. figures.Skip(1).Select(n => ">" + Name(n))]);
        foreach (ModelResult r in result.Results)
            foreach (RefinedReport refined in r.Refined ?? [])
                table.Row([
                    .. Lead(several, r), refined.Kind == RefinementKind.QueryExpansion ? "expanded" : "re-ranked", Tables.Percent(refined.Retrieval.Map.Value), Tables.Points(refined.Gain.Value),
                    $"{Tables.Points(refined.Gain.Low)} to {Tables.Points(refined.Gain.High)}", .. figures.Skip(1).Select(n => Tables.Percent(refined.Retrieval.Figures[n].Value)),
                ]);
        return table;
    }

    /// <summary>A row per model and kind, mAP and the first classifier by severity; first the same images as they are, last the mean over the kinds. Null where nothing was corrupted.</summary>
    public static Table? Corrupted(EvaluationResult result)
    {
        CorruptionReport[] all = [.. result.Results.SelectMany(r => r.Corruptions)];
        if (all.Length == 0) return null;
        bool several = Several(result);
        string classifier = $"knn_{result.Config.Neighbours[0]}";
        string[] figures = [.. new[] { "map", classifier }.Where(n => all.Any(c => c.Corrupted.ContainsKey(n)))];
        int[] severities = [.. all.Select(c => c.Severity).Distinct().Order()];
        Table table = Tables.Create([.. Lead(several), "queries", .. figures.SelectMany(f => severities.Select((s, i) => i == 0 ? $">{Name(f)} {s}" : $">{s}"))]);
        foreach (ModelResult r in result.Results.Where(r => r.Corruptions.Count > 0))
        {
            CorruptionReport first = r.Corruptions[0];
            table.Row([.. Lead(several, r), $"{first.Queries} clean", .. figures.SelectMany(f => severities.Select((_, i) => i == 0 ? Cell(first.Clean, f) : ""))]);
            foreach (IGrouping<CorruptionKind, CorruptionReport> kind in r.Corruptions.GroupBy(c => c.Kind))
                table.Row([.. Lead(several, r), Flag.NameOf(kind.Key), .. figures.SelectMany(f => severities.Select(s => Cell(kind.First(c => c.Severity == s).Corrupted, f)))]);
            table.Row([.. Lead(several, r), "mean", .. figures.SelectMany(f => severities.Select(s => Tables.Percent(r.MeanCorrupted(f, s))))]);
        }
        return table;
    }

    public static bool Several(EvaluationResult result) => result.Results.Select(r => r.Data).Distinct().Count() > 1;

    static string[] Retrieval(EvaluationResult result) => [.. RetrievalFigures.Where(result.Results[0].Retrieval.Figures.ContainsKey)];

    static bool IsHeadline(string classifier, EvalConfig config) =>
        classifier is "linear" || classifier == $"knn_{config.Neighbours[0]}" || classifier == $"nearest_mean_{config.SupportImages[^1]}";

    static string Cell(IReadOnlyDictionary<string, Figure> figures, string name) => Tables.Percent(figures.TryGetValue(name, out Figure figure) ? figure.Value : null);

    public static string[] Lead(bool several) => several ? ["data", "model"] : ["model"];

    public static string[] Lead(bool several, ModelResult r) => several ? [r.Data, r.Model] : [r.Model];

    public static string Name(PerturbationNorm norm) => norm == PerturbationNorm.LInf ? "ℓ∞" : "ℓ2";

    /// <summary>A figure's JSON name as people write it.</summary>
    public static string Name(string key) => key switch
    {
        "map" => "mAP",
        "anmrr" => "ANMRR",
        "linear" => "linear",
        _ when key.StartsWith("p_at_", StringComparison.Ordinal) => "P@" + key[5..],
        _ when key.StartsWith("knn_", StringComparison.Ordinal) => key[4..] + "-NN",
        _ when key.StartsWith("nearest_mean_", StringComparison.Ordinal) => "NCM-" + key[13..],
        _ when key.StartsWith("simple_cnaps_", StringComparison.Ordinal) => "CNAPS-" + key[13..],
        _ => key,
    };
}
