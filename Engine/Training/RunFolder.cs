using Osprey.Engine.Model;

namespace Osprey.Engine.Training;

/// <summary>The folder of one training run: <c>config.json</c>, <c>metrics.jsonl</c>, <c>last/</c>, and at the end <c>model.safetensors</c> and <c>model.json</c>.</summary>
internal static class RunFolder
{
    public static string Config(string run) => Path.Combine(run, "config.json");

    public static string Metrics(string run) => Path.Combine(run, "metrics.jsonl");

    /// <summary>Makes the folder, or checks that the run in it is the one asked for.</summary>
    /// <param name="resume">Go on with what is there; a folder without a run begins one.</param>
    /// <param name="anyThreads">Whether the run may go on with another number of threads, and so end with other last digits.</param>
    /// <exception cref="ArgumentException">
    /// There is a run and <paramref name="resume"/> is false, or it is another run, and the message says what differs; or one without its <c>config.json</c>.
    /// </exception>
    public static void Open(string run, RunConfig config, bool resume, bool anyThreads)
    {
        string path = Config(run);
        if (File.Exists(path))
        {
            if (!resume) throw new ArgumentException($"{run} holds a run already; resume it (--resume), or choose another folder (--out)");
            RunConfig there = Json.Read<RunConfig>(path);
            IReadOnlyList<string> differences = there.Differences(anyThreads ? config with { Threads = there.Threads } : config);
            if (differences.Count > 0) throw new ArgumentException($"{run} cannot be resumed as asked: {string.Join("; ", differences)}");
            return;
        }
        // What was learned there can neither be checked against the configuration nor may it be written over.
        if (new[] { Checkpoint.PathIn(run), Metrics(run), Path.Combine(run, ModelFiles.WeightsName) }.FirstOrDefault(File.Exists) is string left)
            throw new ArgumentException($"{run} holds {Path.GetRelativePath(run, left)} of a run whose config.json is missing; put that back, or choose another folder (--out)");
        Directory.CreateDirectory(run);
        Json.Write(path, config);
    }
}
