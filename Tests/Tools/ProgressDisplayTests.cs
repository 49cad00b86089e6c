using NUnit.Framework;
using Osprey.Engine;
using Osprey.Tool.Hosting;

namespace Osprey.Tests.Tools;

[TestFixture]
public class ProgressDisplayTests
{
    static string Show(bool quiet, params Progress[] reports)
    {
        using var error = new StringWriter();
        using (var display = new ProgressDisplay(Consoles.Create(error, terminal: false, color: false), live: false, quiet, TimeSpan.Zero))
        {
            foreach (Progress report in reports) display.Report(report);
        }
        return error.ToString();
    }

    [Test]
    public void A_stage_that_ends_leaves_one_line() =>
        Assert.That(Show(quiet: false, new Progress("drawing", 1, 3, "images"), new Progress("drawing", 3, 3, "images"), new Progress("epoch 1/2", 2, 8, "steps", "loss 3.21")),
            Does.Match(@"^drawing: 3 images in 0\.\d s\nepoch 1/2: 2 of 8 steps in 0\.\d s · loss 3\.21\n$"));

    [Test]
    public void A_short_stage_leaves_none()
    {
        using var error = new StringWriter();
        using (var display = new ProgressDisplay(Consoles.Create(error, terminal: false, color: false), live: false, quiet: false, TimeSpan.FromHours(1)))
            display.Report(new Progress("drawing", 3, 3, "images"));
        Assert.That(error.ToString(), Is.Empty);
    }

    [Test]
    public void Quiet_is_silent() => Assert.That(Show(quiet: true, new Progress("drawing", 3, 3, "images")), Is.Empty);

    [Test]
    public void A_live_bar_leaves_only_the_last_line_of_its_stage()
    {
        using var error = new StringWriter();
        Spectre.Console.IAnsiConsole console = Spectre.Console.AnsiConsole.Create(new Spectre.Console.AnsiConsoleSettings
        {
            Out = new Spectre.Console.AnsiConsoleOutput(error),
            Ansi = Spectre.Console.AnsiSupport.Yes,
            Interactive = Spectre.Console.InteractionSupport.Yes,
            ColorSystem = Spectre.Console.ColorSystemSupport.NoColors,
        });
        using (var display = new ProgressDisplay(console, live: true, quiet: false, TimeSpan.Zero))
        {
            for (int i = 0; i <= 10; i++) display.Report(new Progress("embedding [a]", i, 10, "images"));
            display.Report(new Progress("evaluating", 1, 1, "sets"));
        }
        Assert.That(error.ToString(), Does.Contain("embedding [a]: 10 images in").And.Contain("evaluating: 1 sets in"));
    }
}
