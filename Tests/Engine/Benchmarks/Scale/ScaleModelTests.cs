using NUnit.Framework;
using Osprey.Engine.Benchmarks.Scale;

namespace Osprey.Tests.Engine.Benchmarks.Scale;

[TestFixture]
public class ScaleModelTests
{
    /// <summary>Round numbers, so that each figure below is one line of mental arithmetic.</summary>
    static readonly ScaleMachine Machine = new()
    {
        Name = "round",
        Cores = 4,
        Devices = 2,
        DecodePerCore = 100,
        BackbonePerDevice = 500,
        SharesCores = false,
        DiskGbps = 1,
        MemoryGbps = 100,
        CodeGops = 1000,
        MemoryGb = 1,
        NetworkGbps = 10,
        NetworkLatency = 1e-3,
        QueryOverhead = 1e-4,
        MergePerNeighbour = 1e-7,
    };

    static readonly ScaleWorkload Work = new() { Images = 1_000_000, FileBytes = 1e5, Dimension = 100, ValueBytes = 4, Ranks = 4, Queries = 10, K = 10, PartImages = 100_000 };

    [Test]
    public void Every_stage_is_counts_over_rates()
    {
        ScalePrediction p = ScaleModel.Predict(Machine, Work);
        Assert.Multiple(() =>
        {
            // Four ranks are two nodes.
            Assert.That(p.ReadSeconds, Is.EqualTo(50).Within(1e-9));
            Assert.That(p.DecodeSeconds, Is.EqualTo(1250).Within(1e-9));
            Assert.That(p.BackboneSeconds, Is.EqualTo(500).Within(1e-9));
            Assert.That(p.WriteSeconds, Is.EqualTo(0.2).Within(1e-12));
            // Ten parts, twice 400 bytes each.
            Assert.That(p.ManifestSeconds, Is.EqualTo(8e-6).Within(1e-15));
            Assert.That(p.EmbedSeconds, Is.EqualTo(1250.000008).Within(1e-9));
            Assert.That(p.EmbedBottleneck, Is.EqualTo("decode"));
            Assert.That(p.StoreBytes, Is.EqualTo(4e8));
            Assert.That(p.IndexBytes, Is.EqualTo(5.08e8));
            Assert.That(p.EmbedBytesPerRank, Is.EqualTo(3e7));
            Assert.That(p.CodeBytesPerRank, Is.EqualTo(2.7e7));
            Assert.That(p.SearchBytesPerRank, Is.EqualTo(1.27e8));
            // Three others × ten queries × (400 bytes there + 120 back).
            Assert.That(p.NetworkBytes, Is.EqualTo(15600));
            // Multiplying 0.5 ms, queries 1 ms, merging 0.04 ms, six messages 6 ms, their bytes 1.56 µs.
            Assert.That(p.SearchSeconds, Is.EqualTo(7.54156e-3).Within(1e-12));
            Assert.That(p.SearchBottleneck, Is.EqualTo("network"));
            Assert.That((p.Fits, p.CodesFit), Is.EqualTo((true, true)));
        });
    }

    [Test]
    public void Where_decoding_takes_the_networks_cores_the_two_add_up()
    {
        ScalePrediction p = ScaleModel.Predict(Machine with { SharesCores = true }, Work);
        Assert.That((p.EmbedSeconds, p.EmbedBottleneck), Is.EqualTo((1750.000008, "decode + backbone")));
    }

    [Test]
    public void One_rank_sends_and_merges_nothing()
    {
        ScalePrediction p = ScaleModel.Predict(Machine, Work with { Ranks = 1, Queries = 1 });
        Assert.Multiple(() =>
        {
            Assert.That(p.NetworkBytes, Is.Zero);
            // One query is bound by the codes' 108 MB: 1.08 ms, where multiplying takes 0.2 ms.
            Assert.That(p.SearchSeconds, Is.EqualTo(1.18e-3).Within(1e-12));
            Assert.That(p.SearchBottleneck, Is.EqualTo("memory"));
        });
    }

    [TestCase(4, 4e8)]
    [TestCase(2, 2e8)]
    [TestCase(1, 1.04e8)]
    public void A_row_of_int8_has_a_scale(int bytes, double store) => Assert.That(ScaleModel.Predict(Machine, Work with { ValueBytes = bytes }).StoreBytes, Is.EqualTo(store));

    [Test]
    public void Rows_that_do_not_fit_may_leave_their_codes_that_do()
    {
        ScalePrediction p = ScaleModel.Predict(Machine, Work with { Images = 10_000_000 });
        Assert.That((p.Fits, p.CodesFit), Is.EqualTo((false, true)));
        p = ScaleModel.Predict(Machine, Work with { Images = 100_000_000 });
        Assert.That((p.Fits, p.CodesFit), Is.EqualTo((false, false)));
    }

    [Test]
    public void Naming_parts_grows_with_their_number()
    {
        // A million parts of one image, twice 400 bytes each.
        ScalePrediction p = ScaleModel.Predict(Machine, Work with { PartImages = 1 });
        Assert.That(p.ManifestSeconds, Is.EqualTo(0.8).Within(1e-12));
        // It is the longest where the images are nothing: small files, fast cores and networks.
        p = ScaleModel.Predict(Machine with { DecodePerCore = 1e9, BackbonePerDevice = 1e9 }, Work with { PartImages = 1, FileBytes = 1, Dimension = 1 });
        Assert.That(p.EmbedBottleneck, Is.EqualTo("manifest"));
    }

    [Test]
    public void What_is_missing_is_said()
    {
        Assert.That(() => ScaleModel.Predict(Machine with { CodeGops = null }, Work), Throws.ArgumentException.With.Message.Contains("round has no rate of codes"));
        Assert.That(() => ScaleModel.Predict(Machine, Work with { Ranks = 0 }), Throws.ArgumentException.With.Message.Contains("ranks 0"));
    }
}
