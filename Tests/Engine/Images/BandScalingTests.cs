using NUnit.Framework;
using Osprey.Engine.Images;

namespace Osprey.Tests.Engine.Images;

[TestFixture]
public class BandScalingTests
{
    [TestCase("natural", ScalingKind.Natural)]
    [TestCase("0:3000", ScalingKind.Range)]
    [TestCase("-0.5:1E-3", ScalingKind.Range)]
    [TestCase("0:3000,100:2500.5,0:2000", ScalingKind.Range)]
    [TestCase("2%:98%", ScalingKind.Percentile)]
    [TestCase("0%:99.5%", ScalingKind.Percentile)]
    public void Text_goes_in_and_comes_out(string text, ScalingKind kind)
    {
        BandScaling scaling = BandScaling.Parse(text);
        Assert.That(scaling.Kind, Is.EqualTo(kind));
        Assert.That(BandScaling.Parse(scaling.ToString()).Values, Is.EqualTo(scaling.Values));
        Assert.That(scaling.ToString(), Is.EqualTo(text.Replace("1E-3", "0.001")));
    }

    [TestCase("")]
    [TestCase("0")]
    [TestCase("5:5")]
    [TestCase("9:1")]
    [TestCase("0:nan")]
    [TestCase("0:1,0:1")]
    [TestCase("0:1,,0:1")]
    [TestCase("2%:98")]
    [TestCase("98%:2%")]
    [TestCase("-1%:50%")]
    [TestCase("0%:101%")]
    [TestCase("Natural")]
    public void Anything_else_is_refused(string text) => Assert.That(() => BandScaling.Parse(text), Throws.ArgumentException);

    [TestCase(new int[0])]
    [TestCase(new[] { 1, 2 })]
    [TestCase(new[] { 0 })]
    [TestCase(new[] { 1, 2, -3 })]
    public void Bands_are_one_or_three_from_1(int[] bands) => Assert.That(() => new DecodeOptions { Bands = bands }, Throws.ArgumentException);

    [Test]
    public void Quantising_rounds_to_nearest_and_clamps()
    {
        var quantizer = new BandQuantizer(new BandRange(-1, 1), noData: 0.25, inverted: false);
        byte[] pixels = new byte[3 * 8];
        quantizer.Write([-2, -1, 0, 0.25f, 1, 5, float.NaN, float.PositiveInfinity], pixels);
        Assert.That(pixels.Where((_, i) => i % 3 == 0), Is.EqualTo(new byte[] { 0, 0, 128, 0, 255, 255, 0, 0 }));
        Assert.That(quantizer.MostlyAbove, Is.False, "one of five valid samples");
    }
}
