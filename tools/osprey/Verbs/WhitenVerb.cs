using System.CommandLine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Model;
using Osprey.Engine.Training;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class WhitenVerb : Verb
{
    readonly Option<string[]> data = Flag.Texts("--data", "DIR", "Folders of images to fit to, with class folders for 'learned'; several are joined, and classes of one name become one.", required: true);

    readonly Option<string?> model = Flag.Text("--model", "RUN|FILE", "Run folder of 'train', or weights alone (torchvision's names): then backbone, GeM p=3, L2.", required: true);

    readonly Option<string?> output = Flag.Text("--out", "RUN", "New folder for the whitened model: model.safetensors, model.json and whitening.json.", required: true);

    readonly Option<string?> split = Flag.Text("--split", "FILE.csv", "Fit only to the training part of this split (see 'data split'); needs a single --data.");

    readonly FlagSet<WhiteningConfig> flags = WhiteningFlags.Create();

    readonly Option<int?> size = Flag.Whole<int>("--size", "Side of the square every image is resized to, pixels, 16 to 8192; the new run's own. Default: the model's; 256 for weights alone.", 16, 8192, value: "PX");

    readonly LookFlags look = new();

    readonly Option<int?> batch = Flag.Whole<int>("--batch", "Images per forward pass, 1 to 4096. Default 32.", 1, 4096, 32);

    readonly DecodeFlags decoding = new();

    public WhitenVerb()
        : base("whiten", "Fits a whitening to a model's descriptors and writes both as a run that every other verb takes as it is.")
    {
        foreach (Option option in new Option[] { data, model, output, split }) Add(option);
        flags.AddTo(this);
        Add(size);
        look.AddTo(this);
        Add(batch);
        decoding.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "whiten --data aid --model runs/aid --out runs/aid-whitened",
        "whiten --data aid --model resnet18_stage3.safetensors --size 128 --method pca --dim 128 --out runs/pca-128",
        "whiten --data aid --model runs/aid --shrinkage 0.1 --scales 1 0.7071 0.5 --out runs/aid-scales",
    ];

    public override string Notes =>
        "A descriptor x becomes P(x − m), then unit length. pca: P = Λ^(−1/2)Eᵀ of the covariance. learned: P = Eᵀ·chol(S)⁻¹, S the mean of (q − p)(q − p)ᵀ over all pairs of one class, E the "
        + "eigenvectors of the projected scatter. The first D rows are kept. Covariance or S is first shrunk to (1 − δ)·S + δ·(tr S / C)·I. "
        + "\n\nThe new run is described like its model: the network, turns and scales if any, then the whitening. It cannot be trained further; train the model it came from, and whiten again.";

    public override int Run(ParseResult arguments, Session session)
    {
        WhiteningConfig config = flags.Bind(arguments, new WhiteningConfig()).Validate();
        ImageSet set = DataFolders.OpenJoined(arguments.GetRequiredValue(data), arguments.GetValue(split));
        string from = arguments.GetRequiredValue(model)!, to = arguments.GetRequiredValue(output)!;

        session.ConfigureTorch();
        using Embedder embedder = Embedder.Open(from, session.Device, look.Bind(arguments, arguments.GetValue(size)));
        embedder.Fold();
        WhiteningRecord record = WhiteningRun.Run(embedder, from, set, config, to, decoding.Bind(arguments), arguments.GetValue(batch)!.Value, session.Threads, session.Progress, session.Cancellation);

        session.Warn(record.BadFiles);
        if (session.Json)
        {
            session.Write(new { Run = to, config.Method, record.Channels, record.Size, record.Shrinkage, record.Images, record.Pairs, record.BadFiles });
            return ExitCode.Done;
        }
        Table table = Tables.Create("run", "method", ">images", ">from", ">to", ">shrinkage");
        table.Row(to, Flag.NameOf(config.Method), $"{record.Images}", $"{record.Channels}", $"{record.Size}", $"{record.Shrinkage:0.0000}");
        session.Write(table);
        return ExitCode.Done;
    }
}
