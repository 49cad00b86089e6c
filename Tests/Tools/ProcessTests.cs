using System.Diagnostics;
using System.Runtime.InteropServices;
using NUnit.Framework;

namespace Osprey.Tests.Tools;

/// <summary>What only shows in a process of the tool's own: signals, and the environment of native libraries.</summary>
[TestFixture]
public partial class ProcessTests
{
    static Process Start(IReadOnlyDictionary<string, string?> environment, params string[] words)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(TestContext.CurrentContext.TestDirectory, "osprey.dll"));
        foreach (string word in words) start.ArgumentList.Add(word);
        foreach ((string name, string? value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    [TestCase(null, "PASSIVE")]
    [TestCase("ACTIVE", "ACTIVE")]
    [Platform("Linux")]
    public void Torch_waits_asleep_unless_told_otherwise(string? given, string expected)
    {
        using Process process = Start(new Dictionary<string, string?> { ["OMP_DISPLAY_ENV"] = "TRUE", ["OMP_WAIT_POLICY"] = given }, "doctor", "--json");
        Task<string> error = process.StandardError.ReadToEndAsync(), output = process.StandardOutput.ReadToEndAsync();
        process.WaitForExit();
        Assert.That(error.Result, Does.Contain($"OMP_WAIT_POLICY = '{expected}'"));
        Assert.That(process.ExitCode, Is.Zero);
        Assert.That(output.Result, Does.StartWith("{"), "nothing but the result on stdout");
    }

    [TestCase(null, "is used again")]
    [TestCase("65536", "goes back to the system")]
    [Platform("Linux")]
    public void Memory_of_tensors_stays_unless_told_otherwise(string? mostMaps, string expected)
    {
        using Process process = Start(new Dictionary<string, string?> { ["MALLOC_MMAP_MAX_"] = mostMaps, ["OMP_NUM_THREADS"] = "1" }, "doctor", "--json", "--threads", "1");
        Task<string> error = process.StandardError.ReadToEndAsync(), output = process.StandardOutput.ReadToEndAsync();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, error.Result);
        Assert.That(output.Result, Does.Contain($"what a tensor leaves {expected}"));
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);

    [TestCase(2)]
    [TestCase(15)]
    [Platform("Linux")]
    public void A_signal_stops_where_it_can_be_resumed_and_is_130(int signal)
    {
        string dir = Directory.CreateTempSubdirectory("osprey-signal-").FullName;
        using Process process = Start(new Dictionary<string, string?>(), "data", "synth", "--out", dir, "--per-class", "100000", "--size", "64");
        Task<string> error = process.StandardError.ReadToEndAsync();
        for (int i = 0; i < 600 && !Directory.EnumerateFiles(dir, "*.jpg", SearchOption.AllDirectories).Any(); i++) Thread.Sleep(50);
        Assert.That(Signal(process.Id, signal), Is.Zero);
        bool ended = process.WaitForExit(60_000);
        if (!ended) process.Kill();
        Directory.Delete(dir, recursive: true);
        Assert.That(ended, Is.True);
        Assert.That(process.ExitCode, Is.EqualTo(130));
        Assert.That(error.Result, Does.Contain("once more to quit at once").And.EndWith("osprey data synth: interrupted\n"));
    }
}
