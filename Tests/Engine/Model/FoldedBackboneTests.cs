using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Interop.Torch;
using Osprey.Kernels.Convolution;
using Osprey.Tests.Interop;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Engine.Model;

[TestFixture]
public sealed class FoldedBackboneTests
{
    static readonly EmbedderConfig Small = new() { Architecture = Architecture.Resnet18, Stage = 2, ImageSize = 32 };

    readonly Device device = Device.Open("host", 2);

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    static Backbone Create(Architecture architecture, int stage)
    {
        Backbone backbone = Backbone.Create(new EmbedderConfig { Architecture = architecture, Stage = stage });
        // Scales, shifts and statistics far from 1 and 0, without which there is nothing to fold.
        Dictionary<string, Tensor> weights = OracleWeights.For(backbone);
        backbone.LoadTorchvision(weights);
        foreach (Tensor weight in weights.Values) weight.Dispose();
        backbone.eval();
        return backbone;
    }

    [TestCase(Architecture.Resnet18, 4)]
    [TestCase(Architecture.Resnet18, 2)]
    [TestCase(Architecture.Resnet34, 3)]
    [TestCase(Architecture.Resnet50, 4)]
    [TestCase(Architecture.Resnet101, 3)]
    [TestCase(Architecture.Squeezenet, 4)]
    public void It_gives_the_map_of_the_network_it_was_made_of(Architecture architecture, int stage)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using Backbone backbone = Create(architecture, stage);
        using FoldedBackbone folded = backbone.Fold(2);
        Tensor image = OracleWeights.Image(), wanted = backbone.call(image), map = folded.Map(image);
        Assert.That(map.shape, Is.EqualTo(wanted.shape));
        Assert.That((map - wanted).abs().max().item<float>() / wanted.abs().max().item<float>(), Is.LessThan(5e-6));
    }

    /// <summary>Of random weights, in which nothing averages out; a trained network's descriptors are nearer (StoreLossTests).</summary>
    [TestCase(Architecture.Resnet18, 4)]
    [TestCase(Architecture.Resnet34, 3)]
    [TestCase(Architecture.Resnet50, 4)]
    [TestCase(Architecture.Squeezenet, 4)]
    public void In_bfloat16_it_gives_nearly_the_map(Architecture architecture, int stage)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using Backbone backbone = Create(architecture, stage);
        using FoldedBackbone folded = backbone.Fold(2, Precision.BFloat16);
        Tensor image = OracleWeights.Image(), wanted = backbone.call(image), map = folded.Map(image);
        Assert.That(map.shape, Is.EqualTo(wanted.shape));
        Assert.That(map.dtype, Is.EqualTo(ScalarType.Float32));
        Assert.That(map.permute(0, 2, 3, 1).is_contiguous());
        Assert.That((map - wanted).norm().item<float>() / wanted.norm().item<float>(), Is.InRange(1e-5, 3e-2));
    }

    [Test]
    public void Slices_of_a_batch_and_single_images_give_the_same_bits()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using Backbone backbone = Create(Architecture.Resnet18, 2);
        using FoldedBackbone folded = backbone.Fold(2), alone = backbone.Fold(1);
        // 600×600 pixels: two images a slice.
        Tensor images = rand(3, 3, 600, 600), all = folded.Map(images);
        for (int i = 0; i < 3; i++)
            Assert.That(TensorMemory.ToArray(all.narrow(0, i, 1)), Is.EqualTo(TensorMemory.ToArray(alone.Map(images.narrow(0, i, 1)))), $"image {i}");
    }

    /// <summary>Where CPUID hides the caches, libtorch's convolutions ended the process on these sizes, channels-last: stage 3's first 1×1 convolution.</summary>
    [Test]
    public void Bottlenecks_describe_pictures_of_224_pixels_every_way()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using Backbone backbone = Create(Architecture.Resnet50, 3);
        using FoldedBackbone folded = backbone.Fold(2), halved = backbone.Fold(2, Precision.BFloat16);
        Tensor images = randn(4, 224, 224, 3).permute(0, 3, 1, 2), wanted = backbone.call(images), map = folded.Map(images);
        Assert.That((map - wanted).abs().max().item<float>() / wanted.abs().max().item<float>(), Is.LessThan(5e-6));
        Assert.That((halved.Map(images) - wanted).norm().item<float>() / wanted.norm().item<float>(), Is.LessThan(3e-2));
    }

    [Test]
    public void No_tensor_stays_behind([Values] Precision precision)
    {
        using var scope = NewDisposeScope();
        using Backbone backbone = Create(Architecture.Squeezenet, 4), residual = Create(Architecture.Resnet50, 2);
        using FoldedBackbone folded = backbone.Fold(1, precision), foldedResidual = residual.Fold(1, precision);
        Tensor image = OracleWeights.Image();
        long before = Tensor.TotalCount;
        foreach (FoldedBackbone network in (FoldedBackbone[])[folded, foldedResidual])
            using (network.Map(image)) Assert.That(Tensor.TotalCount, Is.EqualTo(before + 1));
        Assert.That(Tensor.TotalCount, Is.EqualTo(before));
    }

    /// <summary>The allocator gives memory out again as it was; what was there before must not be seen.</summary>
    [Test]
    public void Passes_of_several_sizes_do_not_see_one_another([Values(Architecture.Squeezenet, Architecture.Resnet18, Architecture.Resnet50)] Architecture architecture)
    {
        using var scope = NewDisposeScope();
        using Backbone backbone = Create(architecture, architecture == Architecture.Squeezenet ? 4 : 3);
        using FoldedBackbone folded = backbone.Fold(2);
        Tensor[] inputs = [.. new[] { (2, 65, 97), (1, 33, 40), (5, 65, 97), (2, 120, 64) }.Select((s, i) => randn(s.Item1, 3, s.Item2, s.Item3) + i)];
        float[][] wanted = [.. inputs.Select(Fresh)], found = [.. inputs.Select(x => Values(folded.Map(x)))], again = [.. inputs.Reverse().Select(x => Values(folded.Map(x))).Reverse()];
        for (int i = 0; i < inputs.Length; i++)
        {
            Assert.That(found[i], Is.EqualTo(wanted[i]), $"{i}");
            Assert.That(again[i], Is.EqualTo(wanted[i]), $"{i} again");
        }
        Tensor first = folded.Map(inputs[0]), second = folded.Map(inputs[0] * 2);
        Assert.That(Values(first), Is.EqualTo(wanted[0]), "a map that was handed out is its owner's");
        Assert.That(Values(second), Is.Not.EqualTo(wanted[0]));

        float[] Fresh(Tensor x)
        {
            using FoldedBackbone once = backbone.Fold(2);
            return Values(once.Map(x));
        }

        static float[] Values(Tensor map) => map.contiguous().data<float>().ToArray();
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Descriptors_are_the_same_but_for_rounding_and_files_do_not_change(bool scales)
    {
        Assume.That(ConvolutionKernel.IsFast);
        using var folder = new ScratchFolder();
        using Embedder embedder = Embedder.Create(Small with { DescriptorSize = 16, Scales = scales ? new ScaleSet(1, 0.5) : null }, device, 3);
        embedder.eval();
        ImageBatch batch = Batch();
        float[] plain = embedder.Embed([batch]);
        string hash = embedder.WeightsSha256;
        embedder.Save(folder["plain"]);
        embedder.Fold();
        float[] folded = embedder.Embed([batch]);
        Assert.That(embedder.IsFolded);
        Assert.That(folded, Is.EqualTo(plain).Within(2e-6f).And.Not.EqualTo(plain), "another way to the same");
        Assert.That(embedder.WeightsSha256, Is.EqualTo(hash));
        embedder.Save(folder["folded"]);
        foreach (string file in (string[])["model.safetensors", "model.json"])
            Assert.That(File.ReadAllBytes(Path.Combine(folder["folded"], file)), Is.EqualTo(File.ReadAllBytes(Path.Combine(folder["plain"], file))), file);
    }

    [Test]
    public void Descriptors_in_bfloat16_are_near_whether_or_not_it_was_folded_before()
    {
        using var folder = new ScratchFolder();
        using Embedder embedder = Embedder.Create(Small with { DescriptorSize = 16 }, device, 3);
        embedder.eval();
        embedder.Save(folder["run"]);
        using Embedder halved = Embedder.Open(folder["run"], device, c => c with { Precision = Precision.BFloat16 }), early = Embedder.Open(folder["run"], device, c => c with { Precision = Precision.BFloat16 });
        early.Fold();
        float[] exact = embedder.Embed([Batch()]), near = halved.Embed([Batch()]);
        Assert.That(halved.Config.Precision, Is.EqualTo(Precision.BFloat16));
        Assert.That(near, Is.EqualTo(early.Embed([Batch()])).And.Not.EqualTo(exact));
        for (int i = 0; i < 2; i++)
            Assert.That(1 - Enumerable.Range(16 * i, 16).Sum(d => (double)exact[d] * near[d]), Is.LessThan(1e-3), "cosine distance");
        using Embedder plain = Embedder.Open(folder["run"], device, c => c with { Precision = Precision.Float32 });
        Assert.That(plain.Config.Precision, Is.Null, "as in files from before");
    }

    [Test]
    public void Training_mode_and_other_weights_end_it()
    {
        Assume.That(ConvolutionKernel.IsFast);
        using var scope = NewDisposeScope();
        using Embedder embedder = Embedder.Create(Small, device, 3), other = Embedder.Create(Small, device, 4);
        embedder.eval();
        other.eval();
        embedder.Fold();
        embedder.LoadState(other.State(includeAuxiliary: true));
        Assert.That(embedder.IsFolded, Is.False);
        Assert.That(embedder.Embed([Batch()]), Is.EqualTo(other.Embed([Batch()])), "nothing of the old weights is left");
        embedder.Fold();
        embedder.train();
        Assert.That(embedder.IsFolded, Is.False);
        Assert.That(embedder.Fold, Throws.InvalidOperationException.With.Message.Contains("eval()"), "describing would end it again");
    }

    [Test]
    public void Gradients_are_those_of_the_plain_network()
    {
        using var scope = NewDisposeScope();
        using Embedder embedder = Embedder.Create(Small, device, 3);
        embedder.eval();
        Tensor pixels = rand(2, 3, 32, 32).requires_grad_(true);
        Tensor Gradient() => autograd.grad([embedder.Describe(pixels).narrow(1, 0, 8).sum()], [pixels])[0];
        float[] before = TensorMemory.ToArray(Gradient());
        embedder.Fold();
        Assert.That(TensorMemory.ToArray(Gradient()), Is.EqualTo(before).And.Some.Not.Zero);
    }

    static ImageBatch Batch() => new([0, 1], 32, [.. OracleWeights.Uniform("pictures", 2 * 3 * 32 * 32).Select(v => (v + 1) / 2)]);
}
