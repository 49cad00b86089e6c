using NUnit.Framework;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Engine.Sources;
using Osprey.Kernels;
using Osprey.Tests.House;
using Osprey.Tests.Interop;

namespace Osprey.Tests.Engine.Retrieval;

/// <summary>What smaller types and a lower precision lose on real images. The figures of docs/results.md come from here.</summary>
[TestFixture]
public sealed class StoreLossTests
{
    const string Weights = "resnet18_stage3.safetensors";

    [Test]
    public void Smaller_types_and_lower_precision_lose_next_to_nothing()
    {
        string weights = Shared.Weights(Weights), data = Shared.Data("ucm");
        using var scratch = new ScratchFolder();
        using var device = Device.Open("host", 2);
        double Map(Precision precision, StoreType type, out float[] rows)
        {
            using Embedder embedder = Embedder.Open(weights, device, c => c with { ImageSize = 128, Precision = precision });
            embedder.Fold();
            using IImageSource source = ImageSources.Open([data], new DecodeOptions());
            DescriptorStore store = StoreExtraction.Run(embedder, weights, source, scratch[$"{precision}-{type}"], new StoreExtractionConfig { Type = type }, 2);
            rows = [.. UnitRows.Normalize(store.ReadDescriptors().AsSpan(), store.Dimension)];
            StoreRow[] table = store.ReadRows();
            return RetrievalEvaluation.Run(new DescriptorSet(rows, store.Dimension, [.. table.Select(r => r.Label)], store.Manifest.Classes.Count), new EvalConfig { BootstrapSamples = 1 }, 2).Map.Value;
        }
        double expected = Map(Precision.Float32, StoreType.Float32, out float[] exact);
        int dimension = exact.Length / 315;
        (Precision, StoreType, double, double)[] cases =
        [
            (Precision.Float32, StoreType.Float16, 1e-6, 1e-4), (Precision.Float32, StoreType.Int8, 1e-4, 2e-3),
            (Precision.BFloat16, StoreType.Float32, 1e-3, 3e-3), (Precision.BFloat16, StoreType.Int8, 1e-3, 3e-3),
        ];
        TestContext.Out.WriteLine($"Float32 {100 * expected:0.000}");
        foreach ((Precision precision, StoreType type, double distance, double loss) in cases)
        {
            double map = Map(precision, type, out float[] rows);
            double[] distances = [.. Enumerable.Range(0, 315).Select(i => Enumerable.Range(i * dimension, dimension).Sum(d => Math.Pow(exact[d] - (double)rows[d], 2)) / 2)];
            TestContext.Out.WriteLine($"{precision} {type} mAP {100 * map:0.000}, cosine distance mean {distances.Average():0.0e0} most {distances.Max():0.0e0}");
            Assert.That(distances, Has.All.LessThan(distance), $"{precision} {type}");
            Assert.That(map, Is.EqualTo(expected).Within(loss), $"{precision} {type}");
        }
    }
}
