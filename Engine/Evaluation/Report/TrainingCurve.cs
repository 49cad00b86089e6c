using System.Text.Json;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>How one training run went, read from its <c>metrics.jsonl</c>.</summary>
/// <param name="Name">The run.</param>
/// <param name="Points">Step and loss, what was minimised, averaged over neighbouring steps to at most <see cref="MostPoints"/>.</param>
public sealed record TrainingCurve(string Name, IReadOnlyList<(double Step, double Loss)> Points)
{
    const int MostPoints = 150;

    /// <summary>The same of the loss on attacked images alone; empty for a run without them.</summary>
    public IReadOnlyList<(double Step, double Loss)> Attacked { get; init; } = [];

    /// <summary>By epoch.</summary>
    public IReadOnlyList<TrainingEpoch> Epochs { get; init; } = [];

    /// <summary>A last line cut short by an interruption is ignored.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static TrainingCurve Read(string name, string metricsFile)
    {
        var steps = new List<(double, double)>();
        var attacked = new List<(double, double)>();
        var epochs = new List<TrainingEpoch>();
        foreach (string line in File.ReadLines(metricsFile))
        {
            try
            {
                using JsonDocument json = JsonDocument.Parse(line);
                JsonElement root = json.RootElement;
                if (Number(root, "step") is not { } step || Number(root, "loss") is not { } loss) continue;
                if (root.TryGetProperty("kind", out JsonElement kind) && kind.GetString() == "epoch") epochs.Add(new TrainingEpoch((int)(Number(root, "epoch") ?? 0), step, loss, Number(root, "held_out_map")));
                else
                {
                    steps.Add((step, loss));
                    if (Number(root, "loss_adv") is { } adversarial) attacked.Add((step, adversarial));
                }
            }
            catch (JsonException)
            {
                // The line in progress when the run was stopped.
            }
        }
        return new TrainingCurve(name, Thinned(steps)) { Attacked = Thinned(attacked), Epochs = epochs };
    }

    /// <summary>A loss that is no number, such as a diverged run's NaN, is written as a word and has no place on a curve.</summary>
    static double? Number(JsonElement line, string name) => line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    static (double, double)[] Thinned(List<(double Step, double Loss)> points)
    {
        int window = Math.Max(1, (points.Count + MostPoints - 1) / MostPoints);
        return [.. points.Chunk(window).Select(c => (c.Average(p => p.Step), c.Average(p => p.Loss)))];
    }
}

/// <param name="Epoch">1-based.</param>
/// <param name="Step">Updates done at its end.</param>
/// <param name="Loss">Its mean.</param>
/// <param name="HeldOutMap">Retrieval on the held-out part of the source, where there is one.</param>
public sealed record TrainingEpoch(int Epoch, double Step, double Loss, double? HeldOutMap);
