using System.CommandLine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Sources;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class DataTileVerb : Verb
{
    readonly Argument<string[]> scenes = new("SCENE") { Description = "TIFF files, or folders or lists of them; classes stay.", Arity = ArgumentArity.OneOrMore };

    readonly Option<string?> output = Flag.Text("--out", "DIR", "Folder to write, new or empty.", required: true);

    readonly Option<SceneFormat?> format = Flag.Choice<SceneFormat>("--format", "Of the files. Default png.", SceneFormat.Png);

    readonly Option<int?> quality = Flag.Whole<int>("--quality", "Of JPEG, 1 to 100. Default 95.", 1, 100, 95);

    readonly WindowFlags windows = new(512);
    readonly DecodeFlags decoding = new();

    public DataTileVerb()
        : base("tile", "Cuts scenes into windows and writes them as image files, with world files and a list.")
    {
        Add(scenes);
        Add(output);
        windows.AddTo(this);
        foreach (Option option in new Option[] { format, quality }) Add(option);
        decoding.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "data tile scene.tif --window 256 --stride 128 --out tiles",
        "data tile sentinel --bands 4,3,2 --range 0:3000 --format jpeg --out tiles",
    ];

    public override string Notes => $"The last window of a row or column is moved back to end with the scene. Files are 8-bit RGB, named SCENE_X_Y by their first pixel at full resolution; DIR/{WindowFiles.ManifestName} says where each lies. 'embed --window' describes the same windows without writing any.";

    public override int Run(ParseResult arguments, Session session)
    {
        string dir = arguments.GetRequiredValue(output)!;
        using IImageSource source = ImageSources.Open(arguments.GetRequiredValue(scenes), decoding.Bind(arguments), windows.Bind(arguments));
        WindowFilesResult result = WindowFiles.Write(source, dir, arguments.GetValue(format)!.Value, arguments.GetValue(quality)!.Value, session.Threads, session.Progress, session.Cancellation);
        session.Warn(result.BadFiles);
        if (session.Json)
        {
            session.Write(new { Out = dir, result.Written, result.Empty, result.BadFiles });
            return ExitCode.Done;
        }
        Table table = Tables.Create("folder", ">files", ">without data", ">bad");
        table.Row(dir, $"{result.Written}", $"{result.Empty}", $"{result.BadFiles.Count}");
        session.Write(table);
        return ExitCode.Done;
    }
}
