using System.CommandLine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class AttackVerb : Verb
{
    static readonly Threat Default = new() { Steps = 10 };

    readonly Option<string[]> data = Flag.Texts("--data", "DIR", "Folders of class folders whose images are attacked.", required: true);

    readonly Option<string?> model = Flag.Text("--model", "RUN|FILE", "The model to attack: a run folder, or weights alone.", required: true);

    readonly Option<string?> output = Flag.Text("--out", "DIR", "New folder for the adversarial images and statistics.json.", required: true);

    readonly Option<int?> size = Flag.Whole<int>("--size", "Side of the images, pixels, 16 to 8192. Default: the run's own; 256 for weights alone.", 16, 8192, value: "PX");

    readonly Option<int?> batch = Flag.Whole<int>("--batch", "Images per attack step, 1 to 4096. Default 32.", 1, 4096, 32);

    readonly Option<int?> limit = Flag.Whole<int>("--limit", "Attack only so many images, drawn by the seed. Default: all.", 1, int.MaxValue);

    readonly FlagSet<Threat> threat = ThreatFlags.Create(Default, withRandomStart: false);
    readonly DecodeFlags decoding = new();

    public AttackVerb()
        : base("attack", "Writes adversarial images: moved inside an ε-ball as far as they go in a model's descriptor space.")
    {
        foreach (Option option in new Option[] { data, model, output, size, batch, limit }) Add(option);
        threat.AddTo(this);
        decoding.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "attack --data ucm --model runs/aid --out attacked --epsilon 2/255 --steps 10",
        "attack --data ucm --model runs/aid --out attacked-l2 --norm l2 --epsilon 0.5 --limit 100",
    ];

    public override string Notes => "Projected gradient ascent on 1 − cosine between an image's descriptor and its clean one, from a random start; no labels are used. Images are PNG, lossless, of the model's size; ℓ∞, ℓ2 and descriptor shift are measured on what is written.";

    public override int Run(ParseResult arguments, Session session)
    {
        Threat wanted = threat.Bind(arguments, Default).Validate();
        ImageSet set = DataFolders.OpenJoined(arguments.GetRequiredValue(data), split: null);
        if (arguments.GetValue(limit) is int most && most < set.Images.Count)
        {
            int[] chosen = [.. Enumerable.Range(0, set.Images.Count)];
            new Random(unchecked((int)session.Seed)).Shuffle(chosen);
            set = set.Select(chosen.Take(most).Order().ToArray());
        }
        session.ConfigureTorch();
        using Embedder embedder = Embedder.Open(arguments.GetRequiredValue(model)!, session.Device, c => c with { ImageSize = arguments.GetValue(size) ?? c.ImageSize });
        var loader = new ImageLoader(new ImageDecoder(decoding.Bind(arguments)), embedder.Config.ImageSize, arguments.GetValue(batch)!.Value, session.Threads);
        string dir = arguments.GetRequiredValue(output)!;
        AdversarialStatistics statistics = AdversarialImages.Write(embedder, set, wanted, session.Seed, loader, dir, session.Device, session.Progress, session.Cancellation);

        session.Warn([.. statistics.BadFiles]);
        if (session.Json)
        {
            session.Write(new { Out = dir, statistics.Threat, Images = statistics.Images.Count, statistics.Linf, statistics.L2, statistics.Shift, BadFiles = statistics.BadFiles });
            return ExitCode.Done;
        }
        Table table = Tables.Create("change", ">mean", ">max");
        table.Row("ℓ∞, 255ths", $"{255 * statistics.Linf.Mean:0.00}", $"{255 * statistics.Linf.Max:0.00}");
        table.Row("ℓ2", $"{statistics.L2.Mean:0.000}", $"{statistics.L2.Max:0.000}");
        table.Row("descriptor, 1 − cosine", $"{statistics.Shift.Mean:0.0000}", $"{statistics.Shift.Max:0.0000}");
        session.Write(table);
        session.Note($"{statistics.Images.Count} images and {AdversarialImages.StatisticsName} in {dir}");
        return ExitCode.Done;
    }
}
