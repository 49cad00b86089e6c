using System.CommandLine;

namespace Osprey.Tool.Hosting;

/// <summary>What was typed, for records of what was done.</summary>
static class CommandLine
{
    /// <summary>The words after the tool's name, those with anything but plain characters in single quotes, as a POSIX shell reads them.</summary>
    public static string Of(ParseResult parsed) => "osprey " + string.Join(' ', parsed.Tokens.Select(t => Quoted(t.Value)));

    static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,+%@".Contains(c)) ? word : "'" + word.Replace("'", "'\\''") + "'";
}
