using NUnit.Framework;
using Osprey.Interop.Formats;

namespace Osprey.Tests.Interop;

[TestFixture]
[Platform(Exclude = "Win", Reason = "there are no hard links to be had there")]
public sealed class HardLinkTests
{
    [Test]
    public void The_content_has_two_names_until_both_are_gone()
    {
        using var scratch = new ScratchFolder();
        File.WriteAllText(scratch["one"], "content");
        Assert.That(HardLink.TryCreate(scratch["one"], scratch["zwei ä"]), Is.True);
        File.Delete(scratch["one"]);
        Assert.That(File.ReadAllText(scratch["zwei ä"]), Is.EqualTo("content"));
    }

    [Test]
    public void What_cannot_be_linked_is_left_as_it_was()
    {
        using var scratch = new ScratchFolder();
        File.WriteAllText(scratch["one"], "first");
        File.WriteAllText(scratch["two"], "second");
        Assert.That(HardLink.TryCreate(scratch["one"], scratch["two"]), Is.False, "the name is taken");
        Assert.That(File.ReadAllText(scratch["two"]), Is.EqualTo("second"));
        Assert.That(HardLink.TryCreate(scratch["none"], scratch["three"]), Is.False, "there is no such file");
        Assert.That(File.Exists(scratch["three"]), Is.False);
    }
}
