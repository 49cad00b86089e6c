using NUnit.Framework;
using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Interop.Formats;
using Osprey.Kernels.Pooling;
using Osprey.Tests.House;
using Osprey.Tests.Interop;
using Osprey.Tests.Interop.Torch;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Engine.Model;

[TestFixture]
public sealed class EmbedderTests
{
    static readonly EmbedderConfig Small = new() { Architecture = Architecture.Resnet18, Stage = 2, ImageSize = 32 };

    readonly Device device = Device.Open("host", 1);

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    static Tensor Images(int count, int size = 32) => tensor(OracleWeights.Uniform("pictures", count * 3L * size * size), [count, 3, size, size]).mul(0.5).add(0.5);

    static float[] Values(Tensor tensor) => tensor.detach().contiguous().data<float>().ToArray();

    /// <summary>The whole chain, written out with torch's own operations.</summary>
    [TestCase(PoolingKind.Gem, 3.0)]
    [TestCase(PoolingKind.Gem, 2.2)]
    [TestCase(PoolingKind.Spoc, 3.0)]
    [TestCase(PoolingKind.Mac, 3.0)]
    public void A_descriptor_is_what_the_method_page_says(PoolingKind pooling, double power)
    {
        using var scope = NewDisposeScope();
        using var embedder = Embedder.Create(Small with { Pooling = pooling, Power = power, DescriptorSize = 16 }, device, seed: 3);
        embedder.eval();
        Tensor images = Images(2);
        Tensor x = (images - tensor([0.485f, 0.456f, 0.406f], [1, 3, 1, 1])) / tensor([0.229f, 0.224f, 0.225f], [1, 3, 1, 1]);
        x = ((Backbone)embedder.children().First()).call(x);
        x = pooling switch
        {
            PoolingKind.Gem => x.clamp(1e-6).pow(power).mean([2, 3]).pow(1 / power),
            PoolingKind.Spoc => x.mean([2, 3]),
            _ => x.amax([2, 3]),
        };
        Dictionary<string, Tensor> state = embedder.State(includeAuxiliary: false);
        x = nn.functional.linear(x / (x.norm(1, true, 2) + 1e-6), state["head.fc.weight"], state["head.fc.bias"]) / Math.Sqrt(1 + 1e-5);
        x /= x.norm(1, true, 2) + 1e-6;
        Assert.That(Values(embedder.Describe(images)), Is.EqualTo(Values(x)).Within(2e-5));
    }

    [Test]
    public void The_same_seed_gives_the_same_weights_and_another_seed_others()
    {
        using Embedder a = Embedder.Create(Small, device, 5), b = Embedder.Create(Small, device, 5), c = Embedder.Create(Small, device, 6);
        Assert.That(b.WeightsSha256, Is.EqualTo(a.WeightsSha256));
        Assert.That(c.WeightsSha256, Is.Not.EqualTo(a.WeightsSha256));
    }

    [Test]
    public void A_learned_power_is_brought_back_into_its_range()
    {
        using var learned = Embedder.Create(Small with { LearnedPower = true }, device, 1);
        Tensor p = learned.HeadParameters.Single(h => h.Name == "pool.p").Parameter;
        foreach ((float left, float limited) in ((float, float)[])[(-3, 0.01f), (0.004f, 0.01f), (0.7f, 0.7f), (260, 100)])
        {
            using (no_grad()) p.fill_(left);
            learned.LimitPower();
            Assert.That(p.item<float>(), Is.EqualTo(limited));
            using Tensor described = learned.Describe(Images(2));
            Assert.That(Values(described), Is.All.Not.NaN);
        }
        Assert.That(() => (Small with { Power = 0.009 }).Validate(), Throws.ArgumentException.With.Message.Contains("[0.01, 100]"));
        Assert.That(() => (Small with { Power = 0.01 }).Validate(), Throws.Nothing);
    }

    [Test]
    public void The_weights_are_written_last()
    {
        using var folder = new ScratchFolder();
        using var embedder = Embedder.Create(Small, device, 1);
        // A folder of that name makes writing the weights fail, as a crash there would.
        Directory.CreateDirectory(Path.Combine(folder["run"], "model.safetensors"));
        Assert.That(() => embedder.Save(folder["run"]), Throws.Exception);
        Assert.That(File.Exists(Path.Combine(folder["run"], "model.json")));
    }

    [Test]
    public void A_saved_run_opens_as_it_was()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using var embedder = Embedder.Create(Small with { LearnedPower = true, Power = 2.5 }, device, 1);
        embedder.AddHead(8, seed: 2);
        embedder.SplitNorms();
        embedder.train();
        _ = embedder.Describe(Images(4)); // moves the running statistics
        embedder.eval();
        embedder.Save(folder["run"]);
        using var opened = Embedder.Open(folder["run"], device);
        Assert.That(opened.Config, Is.EqualTo(embedder.Config));
        Assert.That(Values(opened.Describe(Images(2))), Is.EqualTo(Values(embedder.Describe(Images(2)))));
        Assert.That(opened.WeightsSha256, Is.EqualTo(embedder.WeightsSha256));
        string file = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(folder["run"], "model.safetensors"))));
        Assert.That(opened.WeightsSha256, Is.EqualTo(file));
        Assert.That(Embedder.Open(Path.Combine(folder["run"], "model.safetensors"), device).Dimension, Is.EqualTo(8), "the file inside the run is the run");
    }

    [TestCase(Architecture.Resnet18, 3, 256)]
    [TestCase(Architecture.Resnet50, 2, 512)]
    [TestCase(Architecture.Squeezenet, 4, 512)]
    public void A_bare_weights_file_is_recognised(Architecture architecture, int stage, int dimension)
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using Backbone backbone = Backbone.Create(new EmbedderConfig { Architecture = architecture, Stage = stage }, seed: 9);
        SafeTensors.Write(folder["bare.safetensors"], ModuleTensors.State(backbone));
        using var embedder = Embedder.Open(folder["bare.safetensors"], device, c => c with { ImageSize = 64 });
        Assert.That(embedder.Config, Is.EqualTo(new EmbedderConfig { Architecture = architecture, Stage = stage, ImageSize = 64 }));
        Assert.That(embedder.Dimension, Is.EqualTo(dimension));
        Assert.That(embedder.training, Is.False);
        WeightsInspection inspection = WeightsInspection.Of(folder["bare.safetensors"]);
        Assert.That(inspection.Supported);
        Assert.That(inspection.Elements, Is.EqualTo(ModuleTensors.State(backbone).Values.Sum(t => t.NumberOfElements)));
    }

    [Test]
    public void Weights_that_do_not_fit_are_refused_with_names_and_a_guess()
    {
        using var scope = NewDisposeScope();
        using Backbone narrow = Backbone.Create(Small), deep = Backbone.Create(new EmbedderConfig { Architecture = Architecture.Resnet50, Stage = 2 });
        var error = Assert.Throws<InvalidDataException>(() => narrow.LoadTorchvision(ModuleTensors.State(deep), "deep.pth"))!;
        Assert.That(error.Message, Does.Contain("deep.pth does not fit resnet18 up to stage 2").And.Contain("layer1.0.conv1.weight is [64,64,1,1], not [64,64,3,3]").And.Contain("looks like resnet50 up to stage 2"));
        Dictionary<string, Tensor> gap = ModuleTensors.State(narrow);
        gap.Remove("layer2.1.bn2.bias");
        Assert.That(() => narrow.LoadTorchvision(gap), Throws.TypeOf<InvalidDataException>().With.Message.Contains("1 of 60 tensors are missing (layer2.1.bn2.bias)"));
        Dictionary<string, Tensor> more = ModuleTensors.State(narrow);
        (more["fc.weight"], more["layer3.0.conv1.weight"]) = (ones(2), ones(2));
        foreach (string counter in more.Keys.Where(k => k.EndsWith("num_batches_tracked", StringComparison.Ordinal)).ToArray()) more.Remove(counter);
        Assert.That(() => narrow.LoadTorchvision(more), Throws.Nothing, "a classifier, later stages and missing counters do no harm");
        more["layer2.0.attention"] = ones(2);
        Assert.That(() => narrow.LoadTorchvision(more), Throws.TypeOf<InvalidDataException>().With.Message.Contains("1 do not belong (layer2.0.attention)"));
    }

    [Test]
    public void Half_precision_weights_become_float32()
    {
        using var scope = NewDisposeScope();
        using Backbone backbone = Backbone.Create(Small, seed: 4), other = Backbone.Create(Small, seed: 5);
        other.LoadTorchvision(ModuleTensors.State(backbone).ToDictionary(t => t.Key, t => t.Value.is_floating_point() ? t.Value.to(ScalarType.Float16) : t.Value));
        foreach (var (name, tensor) in ModuleTensors.State(other))
        {
            Assert.That(tensor.dtype, Is.EqualTo(name.EndsWith("tracked", StringComparison.Ordinal) ? ScalarType.Int64 : ScalarType.Float32));
            if (name == "conv1.weight") Assert.That(Values(tensor), Is.EqualTo(Values(backbone.get_parameter(name)!)).Within(1e-3));
        }
    }

    [Test]
    public void Split_norms_start_as_a_copy_and_train_apart()
    {
        using var scope = NewDisposeScope();
        using var embedder = Embedder.Create(Small with { DescriptorSize = 8 }, device, 1);
        Assert.That(() => embedder.Branch = NormBranch.Auxiliary, Throws.InvalidOperationException);
        int before = embedder.State(includeAuxiliary: true).Count;
        embedder.SplitNorms();
        Dictionary<string, Tensor> state = embedder.State(includeAuxiliary: true);
        Assert.That(embedder.State(includeAuxiliary: false), Has.Count.EqualTo(before));
        string[] auxiliary = [.. state.Keys.Where(k => k.Contains(".aux.", StringComparison.Ordinal))];
        Assert.That(auxiliary, Has.Length.EqualTo(5 * (5 + 5 + 1)), "five tensors for each of 11 norms");
        Assert.That(auxiliary, Has.Member("backbone.layer2.0.downsample.1.aux.running_mean").And.Member("head.bn.aux.weight"));
        foreach (string name in auxiliary) Assert.That(state[name].Equals(state[name.Replace(".aux.", ".", StringComparison.Ordinal)]), name);

        float[] main = Values(state["backbone.bn1.running_mean"].clone());
        embedder.train();
        embedder.Branch = NormBranch.Auxiliary;
        _ = embedder.Describe(Images(4));
        Assert.That(Values(state["backbone.bn1.running_mean"]), Is.EqualTo(main), "the main statistics stay");
        Assert.That(Values(state["backbone.bn1.aux.running_mean"]), Is.Not.EqualTo(main));
        Assert.That(state["head.bn.aux.num_batches_tracked"].item<long>(), Is.EqualTo(1));

        embedder.eval();
        float[] seenByAuxiliary = Values(embedder.Describe(Images(2)));
        embedder.Branch = NormBranch.Main;
        Assert.That(Values(embedder.Describe(Images(2))), Is.Not.EqualTo(seenByAuxiliary));
    }

    [Test]
    public void Every_parameter_gets_a_gradient_and_belongs_to_one_group()
    {
        using var scope = NewDisposeScope();
        using var embedder = Embedder.Create(Small with { DescriptorSize = 8, LearnedPower = true }, device, 1);
        embedder.train();
        Tensor images = Images(4).requires_grad_();
        (embedder.Describe(images) * rand(4, 8)).sum().backward();
        string[] head = [.. embedder.HeadParameters.Select(p => p.Name)], backbone = [.. embedder.BackboneParameters.Select(p => p.Name)];
        Assert.That(head, Is.EquivalentTo(new[] { "pool.p", "head.fc.weight", "head.fc.bias", "head.bn.weight", "head.bn.bias" }));
        Assert.That(head.Concat(backbone), Is.EquivalentTo(embedder.named_parameters().Select(p => p.name)));
        foreach (var (name, parameter) in embedder.named_parameters()) Assert.That(parameter.grad is not null && parameter.grad.isfinite().all().item<bool>(), name);
        Assert.That(images.grad!.abs().sum().item<float>(), Is.Positive);
    }

    [TestCase(false)]
    [TestCase(true)]
    public void The_number_of_live_tensors_stays_flat_over_batches(bool training)
    {
        using var embedder = Embedder.Create(Small with { DescriptorSize = 8 }, device, 1);
        float[] pixels = OracleWeights.Uniform("pictures", 2 * 3 * 32 * 32), descriptors = new float[2 * 8];
        Step();
        long live = LiveTensors.Count();
        for (int i = 0; i < 5; i++) Step();
        Assert.That(Tensor.TotalCount, Is.EqualTo(live));

        void Step()
        {
            if (!training)
            {
                embedder.Embed(pixels, 2, 32, descriptors);
                return;
            }
            using var scope = NewDisposeScope();
            embedder.train();
            embedder.Describe(Images(2)).sum().backward();
            embedder.zero_grad();
        }
    }

    [Test]
    public void Extraction_carries_bad_files_through_and_keeps_the_mode()
    {
        using var folder = new ScratchFolder();
        var images = new List<LabelledImage>();
        for (int i = 0; i < 5; i++)
        {
            string path = folder[$"{i}.bmp"];
            File.WriteAllBytes(path, i == 2 ? [1, 2, 3] : Bitmap(40, (byte)(50 * i)));
            images.Add(new LabelledImage(path, i % 2));
        }
        using var embedder = Embedder.Create(Small, device, 1);
        embedder.train();
        var loader = new ImageLoader(new ImageDecoder(new DecodeOptions()), 32, batchSize: 2, threads: 1);
        Descriptors found = DescriptorExtraction.Extract(embedder, images, loader);
        Assert.That(found.Indices, Is.EqualTo(new[] { 0, 1, 3, 4 }));
        Assert.That(found.Labels, Is.EqualTo(new[] { 0, 1, 1, 0 }));
        Assert.That(found.BadFiles.Select(b => b.Path), Is.EqualTo(new[] { images[2].Path }));
        Assert.That(found.Values, Has.Length.EqualTo(4 * embedder.Dimension));
        for (int i = 0; i < 4; i++)
        {
            double norm = 0;
            foreach (float v in found.Row(i)) norm += v * v;
            Assert.That(norm, Is.EqualTo(1).Within(1e-4));
        }
        Assert.That(embedder.training, Is.True);
        Assert.That(embedder.Embed(loader.Load(images)), Is.EqualTo(found.Values));
    }

    [Test]
    public void Conversion_keeps_names_types_and_values_both_ways()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        SafeTensors.Write(folder["a.safetensors"], new Dictionary<string, Tensor> { ["h"] = rand(3).to(ScalarType.Float16), ["n"] = tensor(4L), ["w"] = rand(2, 2) });
        WeightsConversion.Convert(folder["a.safetensors"], folder["b.pth"]);
        WeightsConversion.Convert(folder["b.pth"], folder["c.safetensors"]);
        IReadOnlyDictionary<string, Tensor> first = WeightsFile.Read(folder["a.safetensors"]), last = WeightsFile.Read(folder["c.safetensors"]);
        Assert.That(last.Keys, Is.EquivalentTo(first.Keys));
        foreach (string name in first.Keys) Assert.That(last[name].dtype == first[name].dtype && last[name].bytes.SequenceEqual(first[name].bytes), name);
        Assert.That(WeightsFile.Sniff(folder["b.pth"]), Is.EqualTo(WeightsFormat.PyTorch));
        Assert.That(() => WeightsConversion.Convert(folder["a.safetensors"], folder["a.onnx"]), Throws.ArgumentException.With.Message.Contains(".pth"));
        Assert.That(() => WeightsConversion.Convert(folder["a.safetensors"], folder["a.safetensors"]), Throws.ArgumentException);
    }

    [Test]
    public void The_real_weights_are_recognised()
    {
        Assert.That(WeightsInspection.Of(Shared.Weights("resnet18_stage3.safetensors")).Architecture, Is.EqualTo("resnet18 up to stage 3"));
        Assert.That(WeightsInspection.Of(Shared.Weights("squeezenet1_1.pth")).Architecture, Is.EqualTo("squeezenet1_1"));
    }

    /// <summary>A grey gradient as a 24-bit BMP.</summary>
    static byte[] Bitmap(int size, byte grey)
    {
        int stride = (3 * size + 3) / 4 * 4;
        using var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        writer.Write("BM"u8);
        writer.Write(54 + stride * size);
        writer.Write(0);
        writer.Write(54);
        writer.Write(40);
        writer.Write(size);
        writer.Write(size);
        writer.Write((short)1);
        writer.Write((short)24);
        writer.Write(new byte[24]);
        for (int y = 0; y < size; y++)
        {
            byte[] row = new byte[stride];
            for (int i = 0; i < 3 * size; i++) row[i] = (byte)(grey + y + i / 3);
            writer.Write(row);
        }
        return file.ToArray();
    }
}
