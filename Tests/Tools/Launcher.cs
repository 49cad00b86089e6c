using System.Runtime.InteropServices;
using NUnit.Framework;

namespace Osprey.Tests.Tools;

/// <summary>A program that starts the ranks of a job, and the library that it needs.</summary>
/// <param name="Name">As in the names of tests.</param>
/// <param name="Programs">Names to look for on PATH; Debian keeps several makes beside one another.</param>
/// <param name="Libraries">Sonames, one of which must load.</param>
/// <param name="Words">What a container asks of it: to be root, and more ranks than cores.</param>
public sealed record Launcher(string Name, string[] Programs, string[] Libraries, string[] Words)
{
    public static Launcher OpenMpi { get; } = new("OpenMpi", ["mpirun.openmpi", "mpirun"], ["libmpi.so.40"], ["--allow-run-as-root", "--oversubscribe"]);

    /// <summary>By its own name only: a plain <c>mpirun</c> may be anyone's.</summary>
    public static Launcher Mpich { get; } = new("Mpich", ["mpirun.mpich", "mpiexec.hydra"], ["libmpich.so.12", "libmpi.so.12"], []);

    public static Launcher[] All { get; } = [OpenMpi, Mpich];

    /// <summary>Its path; null where it or its library is missing.</summary>
    public string? Find() => Libraries.Any(l => NativeLibrary.TryLoad(l, out _))
        ? Programs.SelectMany(p => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(f => Path.Combine(f, p))).FirstOrDefault(File.Exists)
        : null;

    /// <summary>Its path; skips the test where there is none.</summary>
    public string Require()
    {
        if (Find() is { } path) return path;
        Assert.Ignore($"skipped: {Programs[0]} and {Libraries[0]} are not both on this machine");
        return "";
    }

    public override string ToString() => Name;
}
