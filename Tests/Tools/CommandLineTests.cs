using System.CommandLine;
using NUnit.Framework;
using Osprey.Tool.Hosting;

namespace Osprey.Tests.Tools;

[TestFixture]
public class CommandLineTests
{
    [Test]
    public void Words_are_quoted_as_a_shell_reads_them()
    {
        var word = new Argument<string[]>("words");
        var root = new RootCommand { word };
        Assert.That(CommandLine.Of(root.Parse(["data/ucm", "1/255", "two words", "it's", "$HOME", ""])), Is.EqualTo("osprey data/ucm 1/255 'two words' 'it'\\''s' '$HOME' ''"));
    }
}
