using System.CommandLine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Distributed;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Evaluation.Report;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Interop.Mpi;
using Osprey.Tool.Hosting;

namespace Osprey.Tool.Verbs;

sealed class EvalVerb : Verb
{
    readonly Option<string[]> data = Flag.Texts("--data", "DIR", "Data sets to measure on, one folder each, with a folder per class.", required: true);

    readonly Option<string[]> model = Flag.Texts("--model", "[NAME=]PATH[,PATH]", "Run folders of 'train', or weights alone (backbone, GeM p=3, L2). The first is what the others are compared with. NAME=RUN,RUN,… takes several runs of one recipe together.", required: true);

    readonly Option<string?> split = Flag.Text("--split", "FILE.csv", "Measure only on the test part of this split (see 'data split'); needs a single --data.");

    readonly Option<string?> report = Flag.Text("--report", "FILE.html", "Also write a page to look at: one file with tables, intervals, curves, neighbours, attacked images, maps, training and configuration.");

    readonly LookFlags look = new();

    readonly FlagSet<EvalConfig> flags = EvalFlags.Create();

    readonly RefinementFlags refinement = new(
        "Also measure retrieval with expanded queries: the mean of a query and its n nearest others, weighted by their cosines to the power α (Radenović et al. 2018).",
        "Also measure retrieval re-ranked by k-reciprocal neighbours (Zhong et al. 2017), over the whole set.");

    readonly Option<bool> classifiers = Flag.Switch("--classifiers", "Also show every classifier's accuracy, Simple CNAPS among them; --json has them anyway.");

    readonly SweepFlags sweep = new();
    readonly DecodeFlags decoding = new();

    public EvalVerb()
        : base("eval", "Measures retrieval and classification, of several models on several data sets side by side, again under attack and under corruptions.")
    {
        foreach (Option option in new Option[] { data, model, split, report }) Add(option);
        flags.AddTo(this);
        look.AddTo(this);
        refinement.AddTo(this);
        Add(classifiers);
        sweep.AddTo(this);
        decoding.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "eval --data ucm --model squeezenet1_1.safetensors --size 128",
        "eval --data ucm rsscn7 --model imagenet=resnet18_stage3.safetensors runs/aid runs/aid-robust --size 128 --report eval.html",
        "eval --data ucm --model runs/aid runs/aid-whitened --scales 1 0.7071 0.5 --expand --rerank",
        "eval --data ucm --model runs/aid --robust --epsilon 1/255 4/255 --steps 20 --json",
        "eval --data ucm --model runs/aid runs/aid-robust --norm linf l2 --epsilon-l2 0.5 1 --restarts 3 --attack-check",
        "eval --data ucm --model runs/aid runs/aid-robust --corruptions haze jpeg --severities 1 3 --robust-queries 0",
        "eval --data ucm rsscn7 --model plain=runs/plain-0,runs/plain-1,runs/plain-2 robust=runs/robust-0,runs/robust-1,runs/robust-2",
        "eval --data ucm --model runs/aid --splits random --train 0.5 --runs 20 --classifiers",
    ];

    public override string Notes =>
        "Every image is a query against all the others of its set; mAP is the standard one, NCM-5 the nearest class mean of 5 support images. Tables are in per cent, --json in fractions and with every figure and interval. "
        + "The attack moves a query's descriptor as far as it can (1 − cosine, projected gradient ascent from a random start, white box, no labels); the database stays clean. Of several restarts each image counts with its worst. "
        + "'attack sanity' says whether a stronger attack ever looked weaker, as it does where gradients are masked."
        + "\n\nA query is never among its own answers, and has no say in its expansion but its own. Re-ranking encodes all images of the set, the query among them as its definition has it, and reads no label."
        + "\n\nDifferences from the first model are paired: by query for mAP, by test image for 1-NN. Several data sets also give a matrix of models by sets; with a model trained on each set, sources by targets."
        + "\n\nCorruptions, severities 1 2 3: gaussian_blur σ 1 2 4 px of 256; gaussian_noise σ 0.04 0.08 0.16; haze, light let through 0.8 0.6 0.4; jpeg quality 50 25 10; brightness ×0.8 0.6 0.4, or the inverse; contrast ×0.7 0.5 0.3; rotation 90° 180° 270°."
        + "\n\nStarted by mpirun, the processes share out images, queries, splits and attacks; the figures are those of one process: docs/scale.md.";

    public override bool RunsOnRanks => true;

    public override int Run(ParseResult arguments, Session session)
    {
        ICommunicator ranks = session.Ranks;
        (EvalConfig config, DecodeOptions pictures, ImageSet[] sets) = ranks.RunOnAll(() => (Bind(arguments, session), decoding.Bind(arguments), Sets(arguments)));
        ranks.RunOnAll(() => { if (ranks.Rank == 0 && arguments.GetValue(report) is string file) InputFile.Writable(file); });

        session.ConfigureTorch();
        (IReadOnlyList<NamedModel> named, IReadOnlyList<(string Name, Embedder Embedder)> models) = ranks.RunOnAll(() =>
        {
            IReadOnlyList<NamedModel> words = ModelNames.Parse(arguments.GetRequiredValue(model));
            return (words, ModelNames.Open(words, session, look.Bind(arguments, config.ImageSize)));
        });
        try
        {
            EvaluationResult result = Evaluator.Run(models, sets, config, pictures, session.Device, session.Progress, ModelNames.Groups(named), ranks, session.Cancellation);
            ranks.RunOnAll(() => { if (ranks.Rank == 0) Show(arguments, session, result, named, models, pictures); });
            return ExitCode.Done;
        }
        finally
        {
            ModelNames.Close(models);
        }
    }

    EvalConfig Bind(ParseResult arguments, Session session) =>
        (flags.Bind(arguments, new EvalConfig()) with
        {
            Seed = session.Seed,
            Expansion = refinement.BindExpansion(arguments),
            ReRanking = refinement.BindReRanking(arguments),
            Threats = sweep.Bind(arguments),
        }).Validate();

    void Show(ParseResult arguments, Session session, EvaluationResult result, IReadOnlyList<NamedModel> named, IReadOnlyList<(string Name, Embedder Embedder)> models, DecodeOptions pictures)
    {
        session.Warn([.. result.Results.SelectMany(r => r.BadFiles).DistinctBy(b => b.Path)]);
        string? page = arguments.GetValue(report);
        if (page is not null)
            HtmlReport.Write(page, result, new ReportOrigin("Osprey evaluation", pictures)
            {
                Command = CommandLine.Of(arguments),
                Models = [.. models.Zip(named, (m, n) => ModelOrigin.Of(m.Name, m.Embedder, n.Path))],
                Surroundings = ReportOrigin.Describe(session.Device),
            });
        int unconverged = result.Results.SelectMany(r => (r.ClassificationOtherSplits ?? []).Prepend(r.Classification)).Sum(c => c?.LinearUnconverged ?? 0);
        if (unconverged > 0) session.Warn($"osprey eval: the linear probe stopped short of its tolerance in {unconverged} splits; its accuracy there is not the optimum's (--linear-c sets the penalty)");
        if (session.Json) session.Write(result);
        else ShowTables(result, arguments.GetValue(classifiers), session);
        if (page is not null) session.Note($"written: {page}");
    }

    static void ShowTables(EvaluationResult result, bool classifiers, Session session)
    {
        (string Caption, Spectre.Console.Table? Table)[] tables =
        [
            ("", EvaluationTables.Clean(result)),
            ("expanded queries and re-ranked answers, gains in points:", EvaluationTables.Refined(result)),
            ("accuracy of every classifier:", classifiers ? ComparisonTables.Classifiers(result) : null),
            .. ComparisonTables.Create(result).Select(t => (t.Caption, (Spectre.Console.Table?)t.Table)),
            ("the same queries clean and under attack:", EvaluationTables.UnderAttack(result)),
            ("the same queries clean and corrupted, by severity 1 to 3:", EvaluationTables.Corrupted(result)),
            ("whether the attack that ought to be stronger was:", AttackSanityText.Table(result)),
        ];
        foreach ((string caption, Spectre.Console.Table? table) in tables)
        {
            if (table is null) continue;
            if (caption.Length > 0) session.WriteLine(caption);
            session.Write(table);
        }
        if (result.AttackSanity is not { } sanity) return;
        foreach (string line in AttackSanityText.Lines(sanity)) session.WriteLine(line);
    }

    ImageSet[] Sets(ParseResult arguments)
    {
        ImageSet[] sets = [.. arguments.GetRequiredValue(data).Select(d => ImageFolder.Open(d))];
        if (arguments.GetValue(split) is not string csv) return sets;
        if (sets.Length > 1) throw new ArgumentException($"--split names the images of one data set, and {sets.Length} are given");
        return [sets[0].Select(Split.Open(csv, sets[0]).Test)];
    }
}
