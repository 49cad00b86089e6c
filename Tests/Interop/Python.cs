using System.Diagnostics;
using NUnit.Framework;
using Osprey.Interop.Faiss;

namespace Osprey.Tests.Interop;

/// <summary>What another program makes of a file: Python, where one has the package.</summary>
static class Python
{
    /// <summary>Exit status of an interpreter without the package.</summary>
    const int Missing = 77;

    /// <summary>Runs a program in the first Python that has the package. Where none has, the test is skipped and says so; where the program fails, so does the test.</summary>
    /// <param name="package">Imported before the program, as <c>sys</c> is.</param>
    /// <param name="program">Its text.</param>
    /// <param name="arguments"><c>sys.argv[1:]</c>.</param>
    /// <returns>What it printed.</returns>
    public static string Run(string package, string program, params string[] arguments)
    {
        // A version manager's python3 on PATH often lacks what the distribution's has.
        string[] candidates = [.. FaissProcess.Candidates()];
        foreach (string python in candidates)
        {
            string[] words = ["-c", $"import sys\ntry:\n import {package}\nexcept ImportError:\n sys.exit({Missing})\n{program}", .. arguments];
            using Process process = Process.Start(new ProcessStartInfo(python, words) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode == 0) return output;
            if (process.ExitCode != Missing) Assert.Fail(error.Result);
        }
        Assert.Ignore(candidates.Length == 0 ? "skipped: no python3 was found" : $"skipped: no {package} in {string.Join(", ", candidates)}");
        return "";
    }
}
