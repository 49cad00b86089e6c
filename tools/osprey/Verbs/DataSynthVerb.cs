using System.CommandLine;
using Osprey.Engine.Datasets;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class DataSynthVerb : Verb
{
    static readonly SynthesisConfig Default = new();

    readonly Option<string?> output = Flag.Text("--out", "DIR", "Folder to write: one folder per class. An interrupted one is gone on with.");

    readonly Option<string?> sheet = Flag.Text("--sheet", "FILE.png", "Also, or only, draw a contact sheet: a row per class, half from above, half obliquely.");

    readonly FlagSet<SynthesisConfig> flags = new FlagSet<SynthesisConfig>()
        .Add(nameof(SynthesisConfig.ImagesPerClass), Flag.Whole<int>("--per-class", $"Images per class, 1 to 1000000. Default {Default.ImagesPerClass}.", 1, 1_000_000), (c, v) => c with { ImagesPerClass = v })
        .Add(nameof(SynthesisConfig.Size), Flag.Whole<int>("--size", $"Side of the images, pixels, 16 to 2048. Default {Default.Size}.", 16, 2048, value: "PX"), (c, v) => c with { Size = v })
        .Add(nameof(SynthesisConfig.ObliqueFraction), Flag.Number("--oblique", $"Share of each class seen from the side, 0 to 1. Default {Default.ObliqueFraction}.", 0, 1, value: "SHARE"), (c, v) => c with { ObliqueFraction = v })
        .Add(nameof(SynthesisConfig.Format), Flag.Choice<SceneFormat>("--format", $"Default {Flag.NameOf(Default.Format)}."), (c, v) => c with { Format = v })
        .Add(nameof(SynthesisConfig.JpegQuality), Flag.Whole<int>("--quality", $"Of JPEG, 1 to 100. Default {Default.JpegQuality}.", 1, 100), (c, v) => c with { JpegQuality = v });

    public DataSynthVerb()
        : base("synth", "Draws a data set of aerial scenes: land uses from above and obliquely, in varied season, light, scale and haze.")
    {
        Add(output);
        flags.AddTo(this);
        Add(sheet);
        Validators.Add(result =>
        {
            if (result.GetValue(output) is null && result.GetValue(sheet) is null) result.AddError("give --out DIR for a data set, --sheet FILE.png for a contact sheet, or both");
        });
    }

    public override IReadOnlyList<string> Examples =>
    [
        "data synth --out scenes --per-class 100 --size 128 --oblique 0.5 --seed 1",
        "data synth --sheet sheet.png --seed 1",
    ];

    public override string Notes => "The same seed draws the same bytes. Sets to train on and to evaluate on need different seeds.";

    public override int Run(ParseResult arguments, Session session)
    {
        SynthesisConfig config = flags.Bind(arguments, Default) with { Seed = session.Seed };
        config.Validate();
        string? dir = arguments.GetValue(output), picture = arguments.GetValue(sheet) is string file ? InputFile.Writable(file) : null;
        if (dir is not null) SceneSynthesis.Write(dir, config, session.Progress, session.Cancellation);
        if (picture is not null) ContactSheet.Write(picture, config);

        int images = dir is null ? 0 : config.ImagesPerClass * config.Classes.Count;
        if (session.Json)
        {
            session.Write(new { Out = dir, Sheet = picture, Images = images, Classes = config.Classes.Count, config.Size, config.ObliqueFraction, config.Seed });
            return ExitCode.Done;
        }
        Table table = Tables.Create("written", ">images", ">classes", ">px", ">oblique", ">seed");
        if (dir is not null) table.Row(dir, $"{images}", $"{config.Classes.Count}", $"{config.Size}", $"{config.ObliqueFraction}", $"{config.Seed}");
        if (picture is not null) table.Row(picture, "sheet", $"{config.Classes.Count}", "–", "–", $"{config.Seed}");
        session.Write(table);
        return ExitCode.Done;
    }
}
