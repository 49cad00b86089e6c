using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Osprey.Tests.Ptx;

/// <summary>What ptxas says a kernel takes: registers, bytes of stack and of spills per thread, bytes of static shared memory per group.</summary>
sealed record PtxasReport(int Registers, int Stack, int SpillStores, int SpillLoads, int Shared, string Text);

/// <summary>NVIDIA's assembler, in the folder that OSPREY_PTXAS names or on PATH. It needs no GPU and no driver.</summary>
sealed partial class Ptxas
{
    readonly string path;

    Ptxas(string path)
    {
        this.path = path;
        Match release = ReleasePattern().Match(Run("--version"));
        Release = release.Success ? Version.Parse(release.Groups[1].Value) : throw new InvalidDataException($"{path} --version names no release");
    }

    /// <summary>The ptxas of this machine, or null.</summary>
    public static Ptxas? Found => found.Value;

    /// <summary>The toolkit it belongs to, such as 11.8.</summary>
    public Version Release { get; }

    static readonly Lazy<Ptxas?> found = new(() =>
        (Environment.GetEnvironmentVariable("OSPREY_PTXAS") + Path.PathSeparator + Environment.GetEnvironmentVariable("PATH"))
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, "ptxas"))
            .FirstOrDefault(File.Exists) is { } path ? new Ptxas(path) : null);

    /// <exception cref="InvalidDataException">ptxas refuses the text, or reports no figures.</exception>
    public PtxasReport Assemble(string ptx, string target)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("osprey-ptx");
        try
        {
            string source = Path.Combine(folder.FullName, "kernel.ptx");
            File.WriteAllText(source, ptx);
            return Parse(Run("-v", $"-arch={target}", source, "-o", source + ".cubin"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The figures of a module with one entry. Those of functions that it calls are added to the stack by ptxas itself.</summary>
    public static PtxasReport Parse(string report)
    {
        Match local = LocalMemory().Match(report), used = Registers().Match(report), shared = SharedMemory().Match(report);
        if (!local.Success || !used.Success) throw new InvalidDataException($"ptxas reports no figures:\n{report}");
        return new PtxasReport(Number(used), Number(local), Number(local, 2), Number(local, 3), shared.Success ? Number(shared) : 0, report);
    }

    static int Number(Match match, int group = 1) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    string Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(path, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string report = process.StandardError.ReadToEnd() + output.Result;
        process.WaitForExit();
        return process.ExitCode == 0 ? report : throw new InvalidDataException($"{path} {string.Join(' ', arguments)} ends with {process.ExitCode}:\n{report}");
    }

    [GeneratedRegex(@"release (\d+\.\d+)")]
    private static partial Regex ReleasePattern();

    [GeneratedRegex(@"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")]
    private static partial Regex LocalMemory();

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Registers();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex SharedMemory();
}
