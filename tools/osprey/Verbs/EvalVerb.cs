using System.CommandLine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Evaluation.Report;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Tool.Hosting;

namespace Osprey.Tool.Verbs;

sealed class EvalVerb : Verb
{
    static readonly Threat Attack = new() { Steps = 10 };
    static readonly double[] Epsilons = [1.0 / 255, 2.0 / 255, 4.0 / 255, 8.0 / 255];

    readonly Option<string[]> data = Flag.Texts("--data", "DIR", "Data sets to measure on, one folder each, with a folder per class.", required: true);

    readonly Option<string[]> model = Flag.Texts("--model", "[NAME=]PATH", "Run folders of 'train', or weights alone (backbone, GeM p=3, L2). The first is what the others are compared with.", required: true);

    readonly Option<string?> split = Flag.Text("--split", "FILE.csv", "Measure only on the test part of this split (see 'data split'); needs a single --data.");

    readonly Option<string?> report = Flag.Text("--report", "FILE.html", "Also write a page to look at: one file with tables, intervals, curves, neighbours, attacked images, maps, training and configuration.");

    readonly ScaleFlag scales = new();

    readonly FlagSet<EvalConfig> flags = EvalFlags.Create();

    readonly RefinementFlags refinement = new(
        "Also measure retrieval with expanded queries: the mean of a query and its n nearest others, weighted by their cosines to the power α (Radenović et al. 2018).",
        "Also measure retrieval re-ranked by k-reciprocal neighbours (Zhong et al. 2017), over the whole set.");

    readonly Option<bool> robust = Flag.Switch("--robust", "Also measure with attacked queries; costs some twenty forward passes an attacked image and ε.");

    readonly Option<double[]?> epsilon = Flag.Numbers("--epsilon", "Radii of the attack's balls, of the pixel range; fractions allowed. Default 1/255 2/255 4/255 8/255.", 0, 1000);

    readonly FlagSet<Threat> threat = ThreatFlags.Create(Attack, withEpsilon: false, withRandomStart: false);
    readonly DecodeFlags decoding = new();

    public EvalVerb()
        : base("eval", "Measures retrieval and classification, of several models on several data sets side by side, and again under attack.")
    {
        foreach (Option option in new Option[] { data, model, split, report }) Add(option);
        flags.AddTo(this);
        scales.AddTo(this);
        refinement.AddTo(this);
        Add(robust);
        Add(epsilon);
        threat.AddTo(this);
        decoding.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "eval --data ucm --model squeezenet1_1.safetensors --size 128",
        "eval --data ucm rsscn7 --model imagenet=resnet18_stage3.safetensors runs/aid runs/aid-robust --size 128 --report eval.html",
        "eval --data ucm --model runs/aid runs/aid-whitened --scales 1 0.7071 0.5 --expand --rerank",
        "eval --data ucm --model runs/aid --robust --epsilon 1/255 4/255 --steps 20 --json",
    ];

    public override string Notes =>
        "Every image is a query against all the others of its set; mAP is the standard one, NCM-5 the nearest class mean of 5 support images. Tables are in per cent, --json in fractions and with every figure and interval. "
        + "The attack moves a query's descriptor as far as it can (1 − cosine, projected gradient ascent from a random start, white box, no labels); the database stays clean. "
        + "\n\nA query is never among its own answers, and has no say in its expansion but its own. Re-ranking encodes all images of the set, the query among them as its definition has it, and reads no label.";

    public override int Run(ParseResult arguments, Session session)
    {
        EvalConfig config = flags.Bind(arguments, new EvalConfig()) with
        {
            Seed = session.Seed,
            Expansion = refinement.BindExpansion(arguments),
            ReRanking = refinement.BindReRanking(arguments),
        };
        double[] radii = arguments.GetValue(epsilon) is { Length: > 0 } given ? given : arguments.GetValue(robust) ? Epsilons : [];
        if (radii.Length > 0)
        {
            Threat start = threat.Bind(arguments, Attack);
            config = config with { Threats = [.. radii.Select(e => start with { Epsilon = e })] };
        }
        config.Validate();
        DecodeOptions pictures = decoding.Bind(arguments);
        string? page = arguments.GetValue(report) is string file ? InputFile.Writable(file) : null;
        ImageSet[] sets = Sets(arguments);

        session.ConfigureTorch();
        IReadOnlyList<(string Name, string Path)> named = ModelNames.Parse(arguments.GetRequiredValue(model));
        IReadOnlyList<(string Name, Embedder Embedder)> models = ModelNames.Open(named, session, config.ImageSize, scales.Bind(arguments));
        try
        {
            EvaluationResult result = Evaluator.Run(models, sets, config, pictures, session.Device, session.Progress, session.Cancellation);
            session.Warn([.. result.Results.SelectMany(r => r.BadFiles).DistinctBy(b => b.Path)]);
            if (page is not null)
                HtmlReport.Write(page, result, new ReportOrigin("Osprey evaluation", pictures)
                {
                    Command = CommandLine.Of(arguments),
                    Models = [.. models.Zip(named, (m, n) => ModelOrigin.Of(m.Name, m.Embedder, n.Path))],
                    Surroundings = ReportOrigin.Describe(session.Device),
                });
            if (session.Json) session.Write(result);
            else
            {
                foreach (Spectre.Console.Table table in EvaluationTables.Create(result)) session.Write(table);
            }
            if (page is not null) session.Note($"written: {page}");
            return ExitCode.Done;
        }
        finally
        {
            ModelNames.Close(models);
        }
    }

    ImageSet[] Sets(ParseResult arguments)
    {
        ImageSet[] sets = [.. arguments.GetRequiredValue(data).Select(d => ImageFolder.Open(d))];
        if (arguments.GetValue(split) is not string csv) return sets;
        if (sets.Length > 1) throw new ArgumentException($"--split names the images of one data set, and {sets.Length} are given");
        return [sets[0].Select(Split.Open(csv, sets[0]).Test)];
    }
}
