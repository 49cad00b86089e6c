using NUnit.Framework;
using Osprey.Engine.Datasets;
using Osprey.Engine.Model;
using Osprey.Engine.Training;
using Osprey.Tests.Interop;
using Osprey.Tests.Tools;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Engine.Model;

[TestFixture]
public sealed class WhitenedEmbedderTests
{
    static readonly EmbedderConfig Small = new() { Architecture = Architecture.Resnet18, Stage = 2, ImageSize = 32 };

    readonly Device device = Device.Open("host", 1);
    readonly ScratchFolder folder = new();

    [OneTimeTearDown]
    public void Close()
    {
        device.Dispose();
        folder.Dispose();
    }

    static FittedWhitening Whitening(int channels, int size) => new(OracleWeights.Uniform("mean", channels), OracleWeights.Uniform("projection", size * (long)channels), 0.25);

    static float[] Pixels() => [.. OracleWeights.Uniform("pictures", 2 * 3 * 32 * 32).Select(v => 0.5f + 0.5f * v)];

    static float[] Embed(Embedder embedder)
    {
        float[] descriptors = new float[2 * embedder.Dimension];
        embedder.Embed(Pixels(), 2, 32, descriptors);
        return descriptors;
    }

    [TestCase(null, 5)]
    [TestCase(null, 128)]
    [TestCase(12, 7)]
    public void A_whitened_descriptor_is_projected_and_of_unit_length(int? head, int size)
    {
        using var embedder = Embedder.Create(Small with { DescriptorSize = head }, device, 1);
        int channels = embedder.Dimension;
        float[] before = Embed(embedder);
        FittedWhitening whitening = Whitening(channels, size);
        embedder.Whiten(whitening);
        Assert.That((embedder.Dimension, embedder.Config.WhitenedSize, embedder.Config.DescriptorSize), Is.EqualTo((size, size, head)));
        float[] after = Embed(embedder);
        for (int row = 0; row < 2; row++)
        {
            double[] projected = [.. Enumerable.Range(0, size).Select(o => Enumerable.Range(0, channels).Sum(c => (double)whitening.Projection[o * channels + c] * (before[row * channels + c] - whitening.Mean[c])))];
            double length = Math.Sqrt(projected.Sum(v => v * v));
            Assert.That(after[(row * size)..((row + 1) * size)], Is.EqualTo(projected.Select(v => v / length)).Within(1e-5));
        }
    }

    [Test]
    public void A_saved_run_opens_whitened_and_knows_itself_from_its_model()
    {
        using var embedder = Embedder.Create(Small with { DescriptorSize = 12 }, device, 1);
        string before = embedder.WeightsSha256;
        string[] parameters = [.. embedder.named_parameters().Select(p => p.name)];
        embedder.Whiten(Whitening(12, 7));
        Assert.That(embedder.WeightsSha256, Is.Not.EqualTo(before));
        Assert.That(embedder.named_parameters().Select(p => p.name), Is.EqualTo(parameters), "nothing that an optimiser would move");
        embedder.Save(folder["whitened"]);
        using Embedder opened = Embedder.Open(folder["whitened"], device);
        Assert.That(opened.Config, Is.EqualTo(embedder.Config));
        Assert.That(Embed(opened), Is.EqualTo(Embed(embedder)));
        Assert.That(opened.WeightsSha256, Is.EqualTo(embedder.WeightsSha256));
        Assert.That(opened.State(includeAuxiliary: true).Keys, Is.SupersetOf(new[] { "whitening.mean", "whitening.projection" }));
    }

    [Test]
    public void A_second_whitening_another_length_and_a_later_head_are_refused()
    {
        using var embedder = Embedder.Create(Small, device, 1);
        Assert.That(() => embedder.Whiten(Whitening(12, 7)), Throws.ArgumentException.With.Message.Contains("of 12 values, and the model's have 128"));
        embedder.Whiten(Whitening(128, 7));
        Assert.That(() => embedder.Whiten(Whitening(7, 7)), Throws.InvalidOperationException.With.Message.Contains("already, to 7 dimensions"));
        Assert.That(() => embedder.AddHead(8, 1), Throws.InvalidOperationException);
        Assert.That(() => Embedder.Create(Small with { WhitenedSize = 129 }, device, 1), Throws.ArgumentException.With.Message.Contains("give 128 or less"));
    }

    [Test]
    public void Training_a_whitened_model_is_refused()
    {
        using var embedder = Embedder.Create(Small, device, 1);
        embedder.Whiten(Whitening(128, 7));
        Drawn.Files(folder["set"], classes: 2, perClass: 2);
        ImageSet set = ImageFolder.Open(folder["set"]);
        Assert.That(() => Trainer.Run(new TrainConfig(), embedder, set, folder["run"], resume: false, device, 1), Throws.ArgumentException.With.Message.Contains("whiten the outcome"));
        Assert.That(Directory.Exists(folder["run"]), Is.False);
    }

    [Test]
    public void No_tensor_is_left_over()
    {
        float[] rows = OracleWeights.Uniform("rows", 20 * 6);
        int[] labels = [.. Enumerable.Range(0, 20).Select(i => i % 4)];
        void Fit() => _ = (WhiteningFit.Pca(rows, 6, 3), WhiteningFit.Learned(rows, 6, labels, 3));
        Fit();
        long live = Osprey.Tests.Interop.Torch.LiveTensors.Count();
        for (int i = 0; i < 3; i++) Fit();
        Assert.That(Tensor.TotalCount, Is.EqualTo(live));
    }
}
