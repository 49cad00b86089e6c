using System.CommandLine;
using System.CommandLine.Invocation;

namespace Osprey.Tool.Hosting;

/// <summary>Help in 80 columns: a sentence, usage, arguments, the verb's options, the options of every verb, notes and examples.</summary>
sealed class HelpText(GlobalOptions everywhere) : SynchronousCommandLineAction
{
    const int Width = 80;
    const int Column = 26;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        Write(parseResult.CommandResult.Command, parseResult.InvocationConfiguration.Output);
        return ExitCode.Done;
    }

    public void Write(Command command, TextWriter to)
    {
        string path = ("osprey " + Host.PathOf(command)).TrimEnd();
        Paragraph(to, command.Description ?? "");
        to.WriteLine();
        to.WriteLine("Usage:");
        Paragraph(to, string.Join(' ', [path, .. command.Arguments.Select(Shape), .. command.Options.Where(o => o.Required).Select(Shape), command.Subcommands.Any() ? "VERB [options]" : "[options]"]), "  ");

        Section(to, "Verbs", command.Subcommands.Select(c => (c.Name, c.Description ?? "")));
        Section(to, "Arguments", command.Arguments.Select(a => (a.HelpName ?? a.Name, a.Description ?? "")));
        Section(to, "Options", command.Options.Where(o => !o.Hidden && !o.Recursive && o is not VersionOption).OrderByDescending(o => o.Required).Select(Row));
        Section(to, command is RootCommand ? "Options of every verb" : "Options of every verb, in short ('osprey --help' has more)", everywhere.All.Select(o => command is RootCommand ? Row(o) : (Shape(o), FirstSentence(o.Description!))));
        if (command is RootCommand) Section(to, "And", command.Options.Where(o => !everywhere.All.Contains(o)).Select(Row));

        if (command is not IDocumented documented)
        {
            to.WriteLine();
            Paragraph(to, "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Start with 'osprey quickstart'.");
            return;
        }
        if (documented.Notes.Length > 0)
        {
            foreach (string paragraph in documented.Notes.Split("\n\n"))
            {
                to.WriteLine();
                Paragraph(to, paragraph);
            }
        }
        to.WriteLine();
        to.WriteLine("Examples:");
        foreach (string example in documented.Examples) Paragraph(to, "osprey " + example, "  ", continuation: " \\", hanging: "      ");
    }

    static (string Left, string Right) Row(Option option) => (Shape(option), option.Description ?? "");

    static string Shape(Argument argument)
    {
        string name = argument.HelpName ?? argument.Name;
        return argument.Arity.MaximumNumberOfValues > 1 ? name + "…" : name;
    }

    static string Shape(Option option)
    {
        string names = string.Join(", ", new[] { option.Name }.Concat(option.Aliases).OrderBy(n => n.Length).Where(n => n is not ("-?" or "/?" or "/h")));
        if (option.ValueType == typeof(bool) || option.Arity.MaximumNumberOfValues == 0) return names;
        string value = option.HelpName ?? "VALUE";
        return $"{names} {value}{(option.Arity.MaximumNumberOfValues > 1 ? "…" : "")}";
    }

    static string FirstSentence(string text) => text.IndexOfAny([':', ';', '.']) is int end and > 0 ? text[..end] + "." : text;

    static void Section(TextWriter to, string title, IEnumerable<(string Left, string Right)> rows)
    {
        bool first = true;
        foreach ((string left, string right) in rows)
        {
            if (first)
            {
                to.WriteLine();
                to.WriteLine(title + ":");
                first = false;
            }
            string head = "  " + left;
            if (head.Length > Column - 2)
            {
                to.WriteLine(head);
                head = "";
            }
            foreach (string line in Wrap(right, Width - Column))
            {
                to.WriteLine(head.PadRight(Column) + line);
                head = "";
            }
        }
    }

    static void Paragraph(TextWriter to, string text, string indent = "", string continuation = "", string hanging = "")
    {
        string[] lines = [.. Wrap(text, Width - Math.Max(indent.Length, hanging.Length) - continuation.Length)];
        for (int i = 0; i < lines.Length; i++) to.WriteLine((i == 0 ? indent : hanging.Length > 0 ? hanging : indent) + lines[i] + (i < lines.Length - 1 ? continuation : ""));
    }

    static IEnumerable<string> Wrap(string text, int width)
    {
        var line = new System.Text.StringBuilder();
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
            }
            if (line.Length > 0) line.Append(' ');
            line.Append(word);
        }
        if (line.Length > 0) yield return line.ToString();
    }
}
