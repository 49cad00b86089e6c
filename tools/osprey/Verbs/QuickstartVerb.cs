using System.CommandLine;
using Osprey.Engine;
using Osprey.Engine.Evaluation;
using Osprey.Tool.Hosting;

namespace Osprey.Tool.Verbs;

sealed class QuickstartVerb : Verb
{
    readonly Option<string[]> data = Flag.Texts("--data", "DIR", "Data sets, one folder each with a folder per class. One: a half of each class trains, the other is evaluated. Several: the first trains, the others are evaluated. Default: scenes are drawn.");

    readonly Option<string?> weights = Flag.Text("--weights", "FILE", "Weights to start from: torchvision's names in .safetensors or .pth. Default: an untrained network.");

    readonly Option<int?> size = Flag.Whole<int>("--size", $"Side of the images, pixels, 16 to 2048. Default {new QuickstartConfig().Scratch.ImageSize}, with --weights {new QuickstartConfig().WeightsImageSize}.", 16, 2048, value: "PX");

    readonly Option<string?> output = Flag.Text("--out", "DIR", "Folder for data, runs, summary.json, report.html and neighbours.png. Finished stages in it are used again. Default quickstart.");

    readonly Option<string?> config = Flag.Text("--config", "FILE.json", "Numbers of the quickstart to use instead: an object such as the config of OUT/quickstart.json.");

    public QuickstartVerb()
        : base("quickstart", "Does the whole job in minutes on a CPU: data, a baseline, plain and robust fine-tuning, and a table of all three.")
    {
        foreach (Option option in new Option[] { data, weights, size, output, config }) Add(option);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "quickstart",
        "quickstart --data aid ucm rsscn7 --weights resnet18_stage3.safetensors --out try",
    ];

    public override string Notes =>
        "Three models are compared: baseline (untrained, or the given weights: backbone, GeM p=3, L2), finetuned (ArcFace on whitened descriptors) and robust (the same steps with adversarial images, AdvProp of Xie et al. 2020). "
        + "The paper's own adversarial formula is not known; see 'osprey train --help'. Ctrl-C loses nothing: the same command goes on."
        + "\n\nOUT/summary.json has the shape of 'eval --json' with the models baseline, finetuned and robust.";

    public override int Run(ParseResult arguments, Session session)
    {
        string dir = arguments.GetValue(output) ?? "quickstart";
        var input = new QuickstartInput(arguments.GetValue(data) ?? [], arguments.GetValue(weights), arguments.GetValue(size));
        QuickstartConfig numbers = FlagSet<QuickstartConfig>.Start(arguments.GetValue(config));
        if (session.SeedIsGiven) numbers = numbers with { Seed = session.Seed };
        EvaluationResult result = Quickstart.Run(numbers, input, dir, session.Device, session.Progress, session.Cancellation);

        session.Warn([.. result.Results.SelectMany(r => r.BadFiles).DistinctBy(b => b.Path)]);
        if (session.Json) session.Write(result);
        else
        {
            foreach (Spectre.Console.Table table in EvaluationTables.Create(result)) session.Write(table);
        }
        session.Note($"to look at: {Path.Combine(dir, Quickstart.ReportName)} and {Quickstart.NeighboursName} · figures: {Path.Combine(dir, Quickstart.SummaryName)}");
        return ExitCode.Done;
    }
}
