using System.CommandLine;
using Osprey.Engine;
using Osprey.Engine.Benchmarks.Scale;
using Osprey.Interop.Formats;
using Osprey.Tool.Hosting;

namespace Osprey.Tool.Verbs;

sealed class ScaleModelVerb : Verb
{
    readonly Argument<string> file = new("RUNS.jsonl") { Description = "Runs of tools/scale.sh." };

    readonly Option<string?> plan = Flag.Text("--plan", "FILE.json", "Machines and workloads to predict, as docs/scale-plan.json. Default: none.");

    readonly Option<string?> plot = Flag.Text("--plot", "FILE.svg", "Also draws what a query costs over the rows, measured and fitted.");

    public ScaleModelVerb()
        : base("model", "Fits what a search costs to runs, holds the model against each of them, and predicts.")
    {
        Add(file);
        Add(plan);
        Add(plot);
    }

    public override IReadOnlyList<string> Examples => ["scale model scale/runs.jsonl --plan docs/scale-plan.json --plot docs/scale-queries.svg"];

    public override string Notes => "Prints the tables of docs/scale.md in Markdown. The formulas stand there, too.";

    public override int Run(ParseResult arguments, Session session)
    {
        IReadOnlyList<ScaleRun> runs = ScaleRun.Read(InputFile.Required(arguments.GetRequiredValue(file)));
        string? picture = arguments.GetValue(plot) is string name ? InputFile.Writable(name) : null;
        ScaleFit fit = ScaleFit.Of(runs);
        IReadOnlyList<QueryCost> costs = QueryCost.Of(runs);
        IReadOnlyList<(ScaleMachine Machine, ScaleWorkload Work)> asked = arguments.GetValue(plan) is string path ? Json.Read<ScalePlan>(InputFile.Required(path)).With(fit) : [];
        if (picture is not null) AtomicFile.Write(picture, ScalePlot.Svg(costs, fit));
        if (session.Json)
        {
            session.Write(new { Fit = fit, Costs = costs, Predictions = asked.Select(a => new { Machine = a.Machine.Name, Workload = a.Work, Prediction = ScaleModel.Predict(a.Machine, a.Work) }) });
            return ExitCode.Done;
        }
        foreach (string table in new[] { ScaleTables.Runs(runs, fit), ScaleTables.Costs(costs, fit), ScaleTables.Parameters(fit), ScaleTables.Disk(runs) }) session.WriteLine(table);
        if (asked.Count > 0) session.WriteLine(ScaleTables.Predictions(asked));
        return ExitCode.Done;
    }
}
