using Spectre.Console;

namespace Osprey.Tool.Hosting;

static class Consoles
{
    /// <summary>Wide enough for any table: in a pipe or file nothing is wrapped.</summary>
    const int UnwrappedWidth = 4096;

    public static IAnsiConsole Create(TextWriter writer, bool terminal, bool color)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = terminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = terminal && color ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = terminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        // Spectre would take the terminal's width or 80; a build server's enrichers must not turn ANSI on either.
        if (!terminal)
        {
            console.Profile.Capabilities.Ansi = false;
            console.Profile.Capabilities.Interactive = false;
            console.Profile.Width = UnwrappedWidth;
        }
        console.Profile.Capabilities.Unicode = true;
        return console;
    }

    /// <summary>A plain line: no markup, no wrapping; safe while a live display is on the same console.</summary>
    public static void WriteLine(IAnsiConsole console, string line)
    {
        if (console.Profile.Capabilities.Ansi) console.Write(new Text(line + Environment.NewLine));
        else console.Profile.Out.Writer.WriteLine(line);
    }
}
