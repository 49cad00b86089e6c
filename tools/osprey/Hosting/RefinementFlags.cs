using System.CommandLine;
using Osprey.Engine.Retrieval;

namespace Osprey.Tool.Hosting;

/// <summary>Query expansion and re-ranking: the flags of <see cref="QueryExpansion"/> and of <see cref="ReRanking"/>, each behind a switch.</summary>
sealed class RefinementFlags
{
    static readonly QueryExpansion DefaultExpansion = new();
    static readonly ReRanking DefaultReRanking = new();

    /// <param name="expandText">What <c>--expand</c> does in this verb.</param>
    /// <param name="reRankText">What <c>--rerank</c> does in this verb.</param>
    public RefinementFlags(string expandText, string reRankText)
    {
        Expand = Flag.Switch("--expand", expandText);
        ReRank = Flag.Switch("--rerank", reRankText);
    }

    /// <summary><c>--expand</c>.</summary>
    public Option<bool> Expand { get; }

    /// <summary><c>--rerank</c>.</summary>
    public Option<bool> ReRank { get; }

    public FlagSet<QueryExpansion> Expansion { get; } = new FlagSet<QueryExpansion>()
        .Add(nameof(QueryExpansion.Neighbours), Flag.Whole<int>("--expand-neighbours", $"n, images a query is expanded by, 1 or more. Default {DefaultExpansion.Neighbours}.", 1, 100_000), (c, v) => c with { Neighbours = v })
        .Add(nameof(QueryExpansion.Alpha), Flag.Number("--expand-alpha", $"α, power of the cosine that weighs each, 0 to 100. Default {DefaultExpansion.Alpha}.", 0, 100, value: "A"), (c, v) => c with { Alpha = v });

    public FlagSet<ReRanking> ReRanking { get; } = new FlagSet<ReRanking>()
        .Add(nameof(Engine.Retrieval.ReRanking.K1), Flag.Whole<int>("--rerank-k1", $"Neighbours within which two images must find each other, 1 or more. Default {DefaultReRanking.K1}.", 1, 100_000, value: "K"), (c, v) => c with { K1 = v })
        .Add(nameof(Engine.Retrieval.ReRanking.K2), Flag.Whole<int>("--rerank-k2", $"Nearest images, an image itself among them, whose encodings are averaged, 1 or more. Default {DefaultReRanking.K2}.", 1, 100_000, value: "K"), (c, v) => c with { K2 = v })
        .Add(nameof(Engine.Retrieval.ReRanking.Lambda), Flag.Number("--rerank-lambda", $"λ, the original distance's share of the final one, 0 to 1. Default {DefaultReRanking.Lambda}.", 0, 1, value: "L"), (c, v) => c with { Lambda = v });

    public void AddTo(Command command)
    {
        command.Add(Expand);
        Expansion.AddTo(command);
        command.Add(ReRank);
        ReRanking.AddTo(command);
        command.Validators.Add(result =>
        {
            foreach ((Option<bool> option, IReadOnlyList<Option> details) in new[] { (Expand, Expansion.Options), (ReRank, ReRanking.Options) })
                if (!result.GetValue(option) && details.FirstOrDefault(d => result.GetResult(d) is { Implicit: false }) is { } detail) result.AddError($"{detail.Name} says how; give {option.Name} as well");
        });
    }

    /// <summary>Null where <c>--expand</c> is not given.</summary>
    public QueryExpansion? BindExpansion(ParseResult arguments) => arguments.GetValue(Expand) ? Expansion.Bind(arguments, DefaultExpansion).Validate() : null;

    /// <summary>Null where <c>--rerank</c> is not given.</summary>
    public ReRanking? BindReRanking(ParseResult arguments) => arguments.GetValue(ReRank) ? ReRanking.Bind(arguments, DefaultReRanking).Validate() : null;
}
