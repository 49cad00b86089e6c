using System.Text.Json;
using Osprey.Engine.Model;
using Osprey.Engine.Training;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>Where a measured model comes from: its network, its weights, and, of a run, how it was trained.</summary>
/// <param name="Name">As in the tables.</param>
/// <param name="Network">The network: <c>model.json</c>, or what was recognised in weights alone.</param>
/// <param name="WeightsSha256">Of the weights measured.</param>
/// <param name="Run">The run's <c>config.json</c>, or null.</param>
/// <param name="Curve">Its losses, or null.</param>
public sealed record ModelOrigin(string Name, EmbedderConfig Network, string WeightsSha256, JsonElement? Run = null, TrainingCurve? Curve = null)
{
    /// <summary>The data set it was trained on; null where that is not known.</summary>
    public string? Source => Told("data", "name");

    /// <summary>The seed of its training; null where that is not known.</summary>
    public string? Seed => Told("train", "seed");

    /// <param name="name">As in the tables.</param>
    /// <param name="embedder">The model, opened.</param>
    /// <param name="path">What it was opened from: a run folder, its <c>model.safetensors</c>, or weights alone, which have no training to tell of.</param>
    public static ModelOrigin Of(string name, Embedder embedder, string path)
    {
        var origin = new ModelOrigin(name, embedder.Config, embedder.WeightsSha256);
        if (ModelFiles.Locate(path).Config is not { } config || Path.GetDirectoryName(Path.GetFullPath(config)) is not { } run) return origin;
        if (File.Exists(RunFolder.Config(run)))
        {
            // As it stands: the page shows what was written, also by another version.
            using JsonDocument json = JsonDocument.Parse(File.ReadAllText(RunFolder.Config(run)));
            origin = origin with { Run = json.RootElement.Clone() };
        }
        return File.Exists(RunFolder.Metrics(run)) ? origin with { Curve = TrainingCurve.Read(name, RunFolder.Metrics(run)) } : origin;
    }

    string? Told(string part, string name) =>
        Run is { ValueKind: JsonValueKind.Object } run && run.TryGetProperty(part, out JsonElement of) && of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out JsonElement value)
            ? value.ToString() : null;
}
