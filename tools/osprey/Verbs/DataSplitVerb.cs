using System.CommandLine;
using Osprey.Engine.Datasets;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class DataSplitVerb : Verb
{
    readonly Argument<string> dir = new("DIR") { Description = "A data set: one folder per class." };

    readonly Option<double?> train = Flag.Number("--train", "Share of every class that trains, between 0 and 1. Default 0.8.", 0, 1, 0.8, "SHARE");

    readonly Option<string?> output = Flag.Text("--out", "FILE.csv", "Where to write the split: path, class and part of every image.", required: true);

    readonly Option<bool> keepTogether = Flag.Switch("--keep-duplicates-together", "Files with the same content stay on one side; reads every file once.");

    public DataSplitVerb()
        : base("split", "Divides a data set into a training and a test part, class by class, by the seed.")
    {
        Add(dir);
        Add(output);
        Add(train);
        Add(keepTogether);
    }

    public override IReadOnlyList<string> Examples => ["data split ucm --out ucm-80.csv", "data split ucm --train 0.5 --seed 3 --out ucm-50.csv"];

    public override int Run(ParseResult arguments, Session session)
    {
        ImageSet set = ImageFolder.Open(arguments.GetRequiredValue(dir));
        int[]? groups = arguments.GetValue(keepTogether) ? ContentHash.Groups(set.Images, session.Cancellation) : null;
        Split split = Split.Stratified(set.Labels(), arguments.GetValue(train)!.Value, session.Seed, groups);
        string file = arguments.GetRequiredValue(output)!;
        split.Save(file, set);

        if (session.Json)
        {
            session.Write(new { Data = set.Name, File = file, Train = split.Train.Length, Test = split.Test.Length, session.Seed });
            return ExitCode.Done;
        }
        int[] labels = set.Labels();
        Table table = Tables.Create("class", ">train", ">test");
        for (int c = 0; c < set.Classes.Count; c++)
            table.Row(set.Classes[c], $"{split.Train.Count(i => labels[i] == c)}", $"{split.Test.Count(i => labels[i] == c)}");
        table.Row("all", $"{split.Train.Length}", $"{split.Test.Length}");
        session.Write(table);
        session.Note($"written: {file}");
        return ExitCode.Done;
    }
}
