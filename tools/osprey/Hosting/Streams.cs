using Osprey.Interop.Mpi;

namespace Osprey.Tool.Hosting;

/// <summary>Where a run of the tool writes.</summary>
/// <param name="Out">Results only.</param>
/// <param name="Error">Everything else: progress, notes, errors.</param>
/// <param name="OutIsTerminal">False for a pipe or file: no ANSI codes, and tables as wide as they need to be.</param>
/// <param name="ErrorIsTerminal">False for a pipe or file: progress as plain lines every few seconds.</param>
/// <param name="Color">False where NO_COLOR is set (no-color.org).</param>
sealed record Streams(TextWriter Out, TextWriter Error, bool OutIsTerminal = false, bool ErrorIsTerminal = false, bool Color = false)
{
    public static Streams OfProcess()
    {
        // Open MPI gives its processes terminals whose other end it copies into whatever its own output is. What .NET sends to one at start it sends to none called dumb.
        Launch launch = Launch.OfProcess();
        bool launched = launch.OpenMpi || launch.Size > 1;
        if (launched) Environment.SetEnvironmentVariable("TERM", "dumb");
        return new Streams(
            Console.Out, Console.Error, !launched && !Console.IsOutputRedirected, !launched && !Console.IsErrorRedirected,
            string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") != "dumb");
    }
}
