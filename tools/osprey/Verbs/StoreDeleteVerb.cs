using System.CommandLine;
using System.Globalization;
using Osprey.Engine.Retrieval;
using Osprey.Tool.Hosting;

namespace Osprey.Tool.Verbs;

sealed class StoreDeleteVerb : Verb
{
    readonly Argument<string> store = new("STORE") { Description = "The store that shrinks." };

    readonly Option<string?> rows = Flag.Text("--rows", "FILE", "Row numbers, from 0, one a line.");

    readonly Option<string?> paths = Flag.Text("--paths", "FILE", "Images' paths as the store has them, relative to its root, one a line; of scenes all windows, or one as 'scene.tif [0,0 512×512]'.");

    public StoreDeleteVerb()
        : base("delete", "Takes rows out of a store.")
    {
        Add(store);
        Add(rows);
        Add(paths);
        Validators.Add(result =>
        {
            if (result.GetValue(rows) is null == result.GetValue(paths) is null) result.AddError("give either --rows or --paths");
        });
    }

    public override IReadOnlyList<string> Examples => ["store delete stores/ucm --paths unwanted.txt", "store delete stores/ucm --rows rows.txt --json"];

    public override string Notes => "Parts with such rows are written anew under another name, then the manifest is replaced at once: after a crash STORE is as it was or as it was to be. Later rows move up. A number or path that is not there changes nothing. Make the index anew afterwards.";

    public override int Run(ParseResult arguments, Session session)
    {
        DescriptorStore before = DescriptorStore.Open(arguments.GetRequiredValue(store));
        IReadOnlyList<long> gone = arguments.GetValue(paths) is string list ? StoreEdit.RowsOf(before, [.. Lines(list).Select(l => l.Text)]) : [.. Lines(arguments.GetValue(rows)!).Select(l => Number(l, arguments.GetValue(rows)!))];
        return StoreChange.Write(session, before, StoreEdit.Delete(before.Path, gone, session.Progress, session.Cancellation));
    }

    /// <summary>Those that are not empty, numbered from 1.</summary>
    static IEnumerable<(int Number, string Text)> Lines(string file) => File.ReadAllLines(InputFile.Required(file)).Select((text, i) => (i + 1, text)).Where(l => l.text.Length > 0);

    static long Number((int Number, string Text) line, string file) => long.TryParse(line.Text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long row)
        ? row
        : throw new InvalidDataException($"{file}, line {line.Number}: '{line.Text}' is no row number; give whole numbers from 0 on");
}
