using System.Runtime.InteropServices;
using NUnit.Framework;
using Osprey.Build;

namespace Osprey.Tests.House;

[TestFixture]
public class GlibcxxFixupTests
{
    static string Library => Path.Combine(TestContext.CurrentContext.TestDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");

    /// <summary>The library as the package ships it, before any fix-up.</summary>
    static string Shipped
    {
        get
        {
            string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
                ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
            string path = Path.Combine(packages, "torchsharp", "0.107.0", "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
            if (!File.Exists(path)) Assert.Ignore($"the package cache has no {path}");
            return path;
        }
    }

    [Test]
    public void The_built_library_loads() => Assert.That(TorchSharp.torch.ones(3).sum().item<float>(), Is.EqualTo(3));

    [Test]
    public void A_patched_library_loads_where_the_shipped_one_may_not()
    {
        string copy = Path.Combine(Path.GetDirectoryName(Library)!, "libLibTorchSharp-copy.so");
        File.Copy(Shipped, copy, overwrite: true);
        try
        {
            Assert.That(GlibcxxFixup.Patch(copy), Is.True, "the shipped library asks for the version");
            Assert.That(GlibcxxFixup.Patch(copy), Is.False, "a second run finds nothing to do");
            // libtorch_cpu first: the copy's dependency, found by the loader once it is in the process.
            TorchSharp.torch.InitializeDeviceType(TorchSharp.DeviceType.CPU);
            Assert.That(NativeLibrary.TryLoad(copy, out nint handle), Is.True);
            NativeLibrary.Free(handle);
        }
        finally
        {
            File.Delete(copy);
        }
    }

    [Test]
    public void Patching_changes_two_bytes_and_never_the_file_it_is_linked_to()
    {
        byte[] before = File.ReadAllBytes(Shipped), after = File.ReadAllBytes(Shipped);
        Assert.That(GlibcxxFixup.PatchBytes(after, "copy"), Is.True);
        Assert.That(before.Zip(after).Count(p => p.First != p.Second), Is.EqualTo(2));
        Assert.That(GlibcxxFixup.PatchBytes(File.ReadAllBytes(Shipped), "shipped"), Is.True, "the package cache is as it was");
    }

    [Test]
    public void Something_that_is_no_elf_file_is_refused_by_name()
    {
        var error = Assert.Throws<InvalidDataException>(() => GlibcxxFixup.PatchBytes(new byte[100], "some.so"));
        Assert.That(error!.Message, Does.Contain("some.so").And.Contain("not an ELF file"));
    }

    [Test]
    public void A_truncated_library_is_refused()
    {
        byte[] cut = File.ReadAllBytes(Shipped)[..100_000];
        Assert.That(Assert.Throws<InvalidDataException>(() => GlibcxxFixup.PatchBytes(cut, "cut.so"))!.Message, Does.Contain("outside the file"));
    }

    [Test]
    public void Another_symbol_behind_the_version_is_refused()
    {
        byte[] elf = File.ReadAllBytes(Shipped);
        int at = elf.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(GlibcxxFixup.Symbol + "\0"));
        Assert.That(at, Is.Positive);
        elf[at + 4] = (byte)'X';
        Assert.That(Assert.Throws<InvalidDataException>(() => GlibcxxFixup.PatchBytes(elf, "odd.so"))!.Message, Does.Contain("not " + GlibcxxFixup.Symbol));
    }

    [Test]
    public void The_system_is_asked_for_the_version()
    {
        string old = Path.GetTempFileName(), recent = Path.GetTempFileName();
        File.WriteAllText(old, "GLIBCXX_3.4.30\0GLIBCXX_3.4.3\0");
        File.WriteAllText(recent, "GLIBCXX_3.4.30\0GLIBCXX_3.4.32\0");
        Assert.That(GlibcxxFixup.SystemHasVersion([old]), Is.False);
        Assert.That(GlibcxxFixup.SystemHasVersion([old, recent]), Is.True);
        Assert.That(GlibcxxFixup.SystemHasVersion(["/no/such/file"]), Is.True, "no libstdc++ found: leave the library alone");
        File.Delete(old);
        File.Delete(recent);
    }
}
