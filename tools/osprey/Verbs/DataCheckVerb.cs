using System.CommandLine;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class DataCheckVerb : Verb
{
    /// <summary>Names shown of each kind of finding; --json has all.</summary>
    const int Shown = 20;

    readonly Argument<string> dir = new("DIR") { Description = "A data set: one folder per class." };
    readonly DecodeFlags decoding = new();

    public DataCheckVerb()
        : base("check", "Decodes every file of a data set and says what is wrong with it before a training run finds out.")
    {
        Add(dir);
        decoding.AddTo(this);
    }

    public override IReadOnlyList<string> Examples => ["data check ucm", "data check ucm --json"];

    public override string Notes => "Finds files that cannot be decoded, files of the same content, the same content under two classes, images outside class folders, and differences from the catalogue's counts. Exit code 1 if a file is bad, labels contradict each other or the classes are not the published ones.";

    public override int Run(ParseResult arguments, Session session)
    {
        DatasetReport report = DatasetCheck.Run(arguments.GetRequiredValue(dir), new ImageDecoder(decoding.Bind(arguments)), session.Threads, session.Progress, session.Cancellation);
        if (session.Json) session.Write(report);
        else Show(report, session);
        return report.Clean ? ExitCode.Done : ExitCode.Failed;
    }

    static void Show(DatasetReport report, Session session)
    {
        Table table = Tables.Create("what", "found");
        table.Row("set", $"{report.Name}: {report.Images:N0} images, {report.Classes.Count} classes, {report.Bytes / 1e6:0.0} MB");
        table.Row("catalogue", report.Catalogue is { } c ? $"{c.FullName}: {Verdict(c)}" : "not a catalogued set");
        table.Row("formats", string.Join(", ", report.Formats.Select(f => $"{f.Key} {f.Value}")));
        table.Row("sizes", string.Join(", ", report.Sizes.Take(4).Select(s => $"{s.Width}×{s.Height} ({s.Images})")) + (report.Sizes.Count > 4 ? $", {report.Sizes.Count - 4} more" : ""));
        if (report.Classes.Count > 0) table.Row("per class", $"{report.Classes.Min(k => k.Images)} to {report.Classes.Max(k => k.Images)} images");
        table.Row("bad files", $"{report.BadFiles.Count}");
        table.Row("duplicates", $"{report.Duplicates.Count} groups, {report.LabelConflicts.Count()} across classes");
        table.Row("outside classes", $"{report.Strays.Count}");
        table.Row("verdict", report.Clean ? "clean" : "NOT CLEAN");
        session.Write(table);
        List(session, "bad", report.BadFiles.Select((BadFile b) => $"{b.Path}: {b.Reason}"));
        List(session, "in two classes", report.LabelConflicts.Select(d => string.Join(" = ", d.Paths)));
        List(session, "outside", report.Strays);
    }

    static string Verdict(CatalogueComparison c) => c.Verdict switch
    {
        CatalogueVerdict.Complete => "complete",
        CatalogueVerdict.Subset => $"a subset of its {c.ExpectedImages:N0} images",
        CatalogueVerdict.Different => $"different; {c.ExpectedImages:N0} images in {c.ExpectedClasses} classes were published",
        _ => "published counts unverified",
    };

    static void List(Session session, string what, IEnumerable<string> lines)
    {
        string[] all = [.. lines];
        foreach (string line in all.Take(Shown)) session.WriteLine($"  {what}: {line}");
        if (all.Length > Shown) session.WriteLine($"  {what}: {all.Length - Shown} more, see --json");
    }
}
