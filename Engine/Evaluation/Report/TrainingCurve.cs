using System.Text.Json;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>The loss of one training run by step, read from its <c>metrics.jsonl</c>.</summary>
/// <param name="Name">The run.</param>
/// <param name="Points">Step and loss, averaged over neighbouring steps to at most <see cref="MostPoints"/>.</param>
public sealed record TrainingCurve(string Name, IReadOnlyList<(double Step, double Loss)> Points)
{
    const int MostPoints = 150;

    /// <summary>Lines of kind <c>step</c> are read; a last line cut short by an interruption is ignored.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static TrainingCurve Read(string name, string metricsFile)
    {
        var steps = new List<(double Step, double Loss)>();
        foreach (string line in File.ReadLines(metricsFile))
        {
            try
            {
                using JsonDocument json = JsonDocument.Parse(line);
                JsonElement root = json.RootElement;
                if (root.TryGetProperty("kind", out JsonElement kind) && kind.GetString() != "step") continue;
                if (root.TryGetProperty("loss", out JsonElement loss) && loss.ValueKind == JsonValueKind.Number && root.TryGetProperty("step", out JsonElement step))
                    steps.Add((step.GetDouble(), loss.GetDouble()));
            }
            catch (JsonException)
            {
                // The line in progress when the run was stopped.
            }
        }
        int window = Math.Max(1, (steps.Count + MostPoints - 1) / MostPoints);
        return new TrainingCurve(name, [.. steps.Chunk(window).Select(c => (c.Average(p => p.Step), c.Average(p => p.Loss)))]);
    }
}
