namespace Osprey.Tool.Hosting;

/// <summary>Where a run of the tool writes.</summary>
/// <param name="Out">Results only.</param>
/// <param name="Error">Everything else: progress, notes, errors.</param>
/// <param name="OutIsTerminal">False for a pipe or file: no ANSI codes, and tables as wide as they need to be.</param>
/// <param name="ErrorIsTerminal">False for a pipe or file: progress as plain lines every few seconds.</param>
/// <param name="Color">False where NO_COLOR is set (no-color.org).</param>
sealed record Streams(TextWriter Out, TextWriter Error, bool OutIsTerminal = false, bool ErrorIsTerminal = false, bool Color = false)
{
    public static Streams OfProcess() => new(
        Console.Out, Console.Error, !Console.IsOutputRedirected, !Console.IsErrorRedirected,
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") != "dumb");
}
