using Osprey.Engine.Evaluation;
using Osprey.Engine.Robust;
using Spectre.Console;

namespace Osprey.Tool.Hosting;

/// <summary>An evaluation as tables of per cents: a row per model and data set; the report and --json have the rest.</summary>
static class EvaluationTables
{
    /// <summary>The headline figures, as far as they were asked for.</summary>
    static readonly string[] RetrievalFigures = ["map", "p_at_10", "anmrr"], AttackedFigures = ["map", "p_at_10"];

    public static IEnumerable<Table> Create(EvaluationResult result)
    {
        bool several = result.Results.Select(r => r.Data).Distinct().Count() > 1;
        string[] retrieval = [.. RetrievalFigures.Where(result.Results[0].Retrieval.Figures.ContainsKey)];
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
        yield return table;
        if (result.Results.Any(r => r.Refined is not null)) yield return Refined(result, several, retrieval);
        if (result.Results.All(r => r.Robust.Count == 0)) yield break;

        string[] attacked = [.. result.Results.SelectMany(r => r.Robust).SelectMany(r => r.Attacked.Keys).Distinct()
            .Where(n => AttackedFigures.Contains(n) || IsHeadline(n, result.Config))];
        Table under = Tables.Create([.. Lead(several), "queries", .. attacked.Select(n => ">" + Name(n)), ">shift"]);
        foreach (ModelResult r in result.Results)
        {
            for (int i = 0; i < r.Robust.Count; i++)
            {
                RobustReport report = r.Robust[i];
                // The same images before any attack: the only figures that those under attack may be compared with.
                if (i == 0) under.Row([.. Lead(several, r), $"{report.Queries} clean", .. attacked.Select(n => Cell(report.Clean, n)), "–"]);
                under.Row([.. Lead(several, r), Attack(report.Threat), .. attacked.Select(n => Cell(report.Attacked, n)), $"{report.Shift:0.000}"]);
            }
        }
        yield return under;
    }

    /// <summary>Expanded queries and re-ranked answers, and what they gain over the plain ranking.</summary>
    static Table Refined(EvaluationResult result, bool several, string[] figures)
    {
        Table table = Tables.Create([.. Lead(several), "ranking", ">mAP", ">gain", ">95 % interval", .. figures.Skip(1).Select(n => ">" + Name(n))]);
        foreach (ModelResult r in result.Results)
            foreach (RefinedReport refined in r.Refined ?? [])
                table.Row([
                    .. Lead(several, r), refined.Kind == RefinementKind.QueryExpansion ? "expanded" : "re-ranked", Tables.Percent(refined.Retrieval.Map.Value), Tables.Points(refined.Gain.Value),
                    $"{Tables.Points(refined.Gain.Low)} to {Tables.Points(refined.Gain.High)}", .. figures.Skip(1).Select(n => Tables.Percent(refined.Retrieval.Figures[n].Value)),
                ]);
        return table;
    }

    static bool IsHeadline(string classifier, EvalConfig config) =>
        classifier is "linear" || classifier == $"knn_{config.Neighbours[0]}" || classifier == $"nearest_mean_{config.SupportImages[^1]}";

    static string Cell(IReadOnlyDictionary<string, Figure> figures, string name) => Tables.Percent(figures.TryGetValue(name, out Figure figure) ? figure.Value : null);

    static string[] Lead(bool several) => several ? ["data", "model"] : ["model"];

    static string[] Lead(bool several, ModelResult r) => several ? [r.Data, r.Model] : [r.Model];

    static string Attack(Threat threat) => $"{(threat.Norm == Kernels.Perturbation.PerturbationNorm.LInf ? "ℓ∞" : "ℓ2")} {ThreatFlags.In255(threat.Epsilon)}";

    static string Name(string key) => key switch
    {
        "map" => "mAP",
        "anmrr" => "ANMRR",
        "linear" => "linear",
        _ when key.StartsWith("p_at_", StringComparison.Ordinal) => "P@" + key[5..],
        _ when key.StartsWith("knn_", StringComparison.Ordinal) => key[4..] + "-NN",
        _ when key.StartsWith("nearest_mean_", StringComparison.Ordinal) => "NCM-" + key[13..],
        _ => key,
    };
}
