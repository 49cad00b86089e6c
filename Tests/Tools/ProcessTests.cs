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
        // As for every job that a shell without job control starts in the background; a process inherits it, and .NET leaves it so.
        string ignored = File.ReadLines("/proc/self/status").Single(l => l.StartsWith("SigIgn:", StringComparison.Ordinal))[7..].Trim();
        if ((Convert.ToUInt64(ignored, 16) >> (signal - 1) & 1) != 0) Assert.Ignore($"signal {signal} is ignored by whoever started the tests, and so by what they start");
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

    /// <summary>The short form of <c>tools/kill-proof.sh</c>: every kill but the first falls after a new part, at a moment that a seed draws.</summary>
    [Test]
    [Platform("Linux")]
    public void A_job_that_is_killed_again_and_again_ends_with_the_same_bytes()
    {
        string dir = Directory.CreateTempSubdirectory("osprey-kill-").FullName;
        string At(string name) => Path.Combine(dir, name);
        string[] Words(string store) => ["embed", "--data", At("data"), "--model", At("model"), "--batch", "2", "--part", "2", "--threads", "1", "--out", At(store), "--quiet"];
        int Parts() => Directory.Exists(At("store")) ? Directory.GetFiles(At("store"), "part-*.npy").Length : 0;
        try
        {
            UntrainedModel.Save(At("model"));
            Drawn.Files(At("data"), classes: 4, perClass: 100);
            Cli.Done(Words("whole"));
            var random = new Random(1);
            for (int kill = 0; kill < 5; kill++)
            {
                using Process process = Start(new Dictionary<string, string?>(), Words("store"));
                Task<string> error = process.StandardError.ReadToEndAsync();
                for (int before = Parts(); kill > 0 && !process.HasExited && Parts() <= before;) Thread.Sleep(1);
                Thread.Sleep(random.Next(kill > 0 ? 40 : 1000));
                process.Kill();
                process.WaitForExit();
                Assert.That(error.Result, Is.Empty);
            }
            Assert.That(Parts(), Is.InRange(3, 199), "it was killed in the middle");
            Cli.Done(Words("store"));
            string[] files = [.. Directory.GetFiles(At("whole")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];
            Assert.That(Directory.GetFiles(At("store")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal), Is.EqualTo(files));
            foreach (string file in files) Assert.That(File.ReadAllBytes(Path.Combine(At("store"), file)), Is.EqualTo(File.ReadAllBytes(Path.Combine(At("whole"), file))), file);
        }
        finally
        {
            Directory.Delete(dir, recursive: true);
        }
    }
}
