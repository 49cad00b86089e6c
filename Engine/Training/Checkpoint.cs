using System.Text.Json;
using Osprey.Interop.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>What a run needs besides tensors to go on as if it had never stopped.</summary>
/// <param name="Step">Updates done.</param>
/// <param name="EpochLoss">Sum of the losses of the epoch in progress.</param>
/// <param name="MetricsBytes">Length of <c>metrics.jsonl</c>; lines after it belong to steps that will be made again.</param>
/// <param name="BestMap">Of the best epoch so far, on the held-out part.</param>
/// <param name="BestEpoch">1-based; 0 before the first.</param>
internal sealed record TrainState(long Step, double EpochLoss, long MetricsBytes, double? BestMap = null, int BestEpoch = 0);

/// <summary>
/// <c>last/checkpoint.safetensors</c>: weights, norms of both branches, loss weights, optimizer moments, and a <see cref="TrainState"/> in
/// the file's notes. One file, so that the rename that replaces it is the one instant at which the checkpoint changes.
/// </summary>
internal static class Checkpoint
{
    const string Note = "train_state";

    public static string PathIn(string run) => Path.Combine(run, "last", "checkpoint.safetensors");

    public static void Write(string run, TrainState state, IReadOnlyDictionary<string, Tensor> tensors)
    {
        Directory.CreateDirectory(Path.Combine(run, "last"));
        SafeTensors.Write(PathIn(run), tensors, new Dictionary<string, string> { [Note] = JsonSerializer.Serialize(state, Json.Line) });
    }

    /// <summary>Fills <paramref name="tensors"/> in place.</summary>
    /// <returns>Null where the run has no checkpoint yet.</returns>
    /// <exception cref="InvalidDataException">The file does not hold exactly these tensors.</exception>
    public static TrainState? Read(string run, IReadOnlyDictionary<string, Tensor> tensors)
    {
        string path = PathIn(run);
        if (!File.Exists(path)) return null;
        using DisposeScope scope = NewDisposeScope();
        using var frozen = no_grad();
        if (!SafeTensors.ReadMetadata(path).TryGetValue(Note, out string? note))
            throw new InvalidDataException($"{path} is no checkpoint of a training run: its notes hold no {Note}");
        IReadOnlyDictionary<string, Tensor> stored = SafeTensors.Read(path);
        foreach (string name in stored.Keys.Union(tensors.Keys))
        {
            Tensor? to = tensors.GetValueOrDefault(name), from = stored.GetValueOrDefault(name);
            if (to is null || from is null) throw new InvalidDataException($"{path}: {name} is {(from is null ? "missing" : "not part of this network")}");
            if (!from.shape.SequenceEqual(to.shape))
                throw new InvalidDataException($"{path}: {name} is [{string.Join(", ", from.shape)}], and this network's is [{string.Join(", ", to.shape)}]");
            to.copy_(from);
        }
        return JsonSerializer.Deserialize<TrainState>(note, Json.Line) ?? throw new InvalidDataException($"{path}: {Note} is null");
    }
}
