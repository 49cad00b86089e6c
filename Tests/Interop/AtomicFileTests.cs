using NUnit.Framework;
using Osprey.Interop.Formats;

namespace Osprey.Tests.Interop;

[TestFixture]
public sealed class AtomicFileTests
{
    [Test]
    public void A_write_that_fails_leaves_the_old_content_and_nothing_aside()
    {
        using var folder = new ScratchFolder();
        AtomicFile.Write(folder["a"], "old ä");
        Assert.That(File.ReadAllBytes(folder["a"]), Is.EqualTo("old ä"u8.ToArray()), "UTF-8 without a mark");
        Assert.That(
            () => AtomicFile.Write(folder["a"], file =>
            {
                file.Write("half"u8);
                throw new InvalidOperationException("full");
            }),
            Throws.InvalidOperationException);
        Assert.That(File.ReadAllText(folder["a"]), Is.EqualTo("old ä"));
        Assert.That(folder.Files, Is.EqualTo(new[] { "a" }));
    }

    [Test]
    public void What_was_there_is_replaced_though_it_was_longer()
    {
        using var folder = new ScratchFolder();
        File.WriteAllBytes(folder["a"], new byte[1000]);
        File.WriteAllBytes(folder["a"] + ".tmp", new byte[1000]);
        ReadOnlySpan<byte> content = "new"u8;
        AtomicFile.Write(folder["a"], content, (file, bytes) => file.Write(bytes));
        Assert.That(File.ReadAllText(folder["a"]), Is.EqualTo("new"));
        Assert.That(folder.Files, Is.EqualTo(new[] { "a" }));
    }

    [Test]
    public void A_folder_that_is_not_there_is_named()
    {
        using var folder = new ScratchFolder();
        Assert.That(() => AtomicFile.Write(Path.Combine(folder["none"], "a"), "x"), Throws.TypeOf<DirectoryNotFoundException>().With.Message.Contains("none"));
    }
}
