using System.Text.Json;
using System.Text.Json.Nodes;
using Osprey.Engine.Datasets;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;

namespace Osprey.Engine.Training;

/// <summary>Which images a run learns from.</summary>
/// <param name="Sha256">Of the relative paths and labels, in order.</param>
public sealed record TrainingData(string Name, int Images, int Classes, string Sha256)
{
    public static TrainingData Of(ImageSet set) => new(set.Name, set.Images.Count, set.Classes.Count, StoreDescription.HashImages(set.Images, set.Root));
}

/// <summary>A run's <c>config.json</c>: all that its outcome depends on, besides the content of the images.</summary>
/// <param name="WeightsSha256">Of the weights that the run starts from.</param>
/// <param name="Device">Where the kernels run.</param>
/// <param name="Threads">Sums are split by threads; another number gives other last digits.</param>
public sealed record RunConfig(TrainConfig Train, EmbedderConfig Embedder, string WeightsSha256, TrainingData Data, string Device, int Threads)
{
    /// <summary>What keeps <paramref name="other"/> from continuing this run: one phrase per value, such as <c>train.epochs is 4 in the run and 8 here</c>.</summary>
    public IReadOnlyList<string> Differences(RunConfig other) => JsonDifferences.Between(Node(this), Node(other), "in the run", "here");

    /// <summary>To compare runs by: how often one is saved changes nothing in what is learned.</summary>
    internal RunConfig WithoutSaving() => this with { Train = Train with { CheckpointEvery = 1 } };

    static JsonNode? Node(RunConfig config) => JsonSerializer.SerializeToNode(config.WithoutSaving(), Json.Options);
}
