using CsCheck;
using NUnit.Framework;
using Osprey.Interop.Formats;

namespace Osprey.Tests.Interop;

[TestFixture]
public sealed class ScaledRowTests
{
    static (float Scale, sbyte[] Codes) Encode(params float[] row)
    {
        sbyte[] codes = new sbyte[row.Length];
        return (ScaledRow.Encode(row, codes), codes);
    }

    static float[] Decode(float scale, sbyte[] codes)
    {
        float[] row = new float[codes.Length];
        ScaledRow.Decode(codes, scale, row);
        return row;
    }

    [Test]
    public void A_row_by_hand()
    {
        // max|x| is 127/4, so the scale is 1/4 and a code is 4x: 0.125 and 0.375 lie in the middle and go to the even 0 and 2.
        (float scale, sbyte[] codes) = Encode(31.75f, -31.75f, 0, 0.125f, 0.375f, -0.125f, -0.375f, 0.126f, 1, -20.1f);
        Assert.That(scale, Is.EqualTo(0.25f));
        Assert.That(codes, Is.EqualTo(new sbyte[] { 127, -127, 0, 0, 2, 0, -2, 1, 4, -80 }));
        Assert.That(Decode(scale, codes), Is.EqualTo(new[] { 31.75f, -31.75f, 0, 0, 0.5f, 0, -0.5f, 0.25f, 1, -20 }));
    }

    [Test]
    public void A_scale_has_17_bits_and_is_not_too_small()
    {
        (float scale, sbyte[] codes) = Encode(1, 0.5f);
        Assert.That(BitConverter.SingleToUInt32Bits(scale) & 0x7F, Is.Zero);
        Assert.That(scale * 127.0, Is.InRange(1, 1 + Math.Pow(2, -16)));
        Assert.That(codes, Is.EqualTo(new sbyte[] { 127, 63 }), "0.5 is 63.4997 scales");
    }

    [TestCase(0f, 0)]
    [TestCase(1e-45f, 0)]
    [TestCase(5.9e-39f, 1)]
    [TestCase(1.5e-36f, 127)]
    public void Zeros_and_what_is_almost_zero_have_the_smallest_scale(float value, int code)
    {
        (float scale, sbyte[] codes) = Encode(value, -value, 0);
        Assert.That(scale, Is.EqualTo(code == 127 ? scale : ScaledRow.SmallestScale));
        Assert.That(codes, Is.EqualTo(new[] { code, -code, 0 }));
        Assert.That(MathF.ScaleB(1, -126), Is.EqualTo(ScaledRow.SmallestScale));
    }

    [Test]
    public void What_is_not_finite_has_no_scale([Values(float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, -float.MaxValue)] float value, [Values(0, 1, 2)] int at)
    {
        float[] row = [1, 2, 3];
        row[at] = value;
        Assert.That(Encode(row).Scale, Is.NaN);
        row[at] = BitConverter.UInt32BitsToSingle(0xFFFFFFFF);
        Assert.That(Encode(row).Scale, Is.NaN, "a NaN of all bits");
        row[at] = 3.4027e38f;
        Assert.That(Decode(Encode(row).Scale, Encode(row).Codes), Has.All.Matches<float>(float.IsFinite));
    }

    /// <summary>Rows of every magnitude, with values far apart in it.</summary>
    static readonly Gen<float[]> Rows = Gen.Select(Gen.Float[-1, 1].Array[1, 40], Gen.Int[-149, 126], (row, power) => row.Select(v => MathF.ScaleB(v, power)).ToArray());

    [Test]
    public void No_value_is_further_off_than_half_a_scale() => Rows.Sample(row =>
    {
        (float scale, sbyte[] codes) = Encode(row);
        float[] read = Decode(scale, codes);
        for (int d = 0; d < row.Length; d++)
        {
            Assert.That(Math.Abs((double)row[d] - read[d]), Is.LessThanOrEqualTo(scale / 2.0));
            Assert.That(read[d], Is.EqualTo(codes[d] * (double)scale), "the product is exact");
        }
        Assert.That(scale == ScaledRow.SmallestScale || codes.Max(Math.Abs) == 127);
        Assert.That(codes, Has.No.Member(sbyte.MinValue));
    });

    [Test]
    public void A_row_that_was_read_is_encoded_to_the_same_again() => Rows.Sample(row =>
    {
        (float scale, sbyte[] codes) = Encode(row);
        (float again, sbyte[] same) = Encode(Decode(scale, codes));
        Assert.That(again, Is.EqualTo(scale));
        Assert.That(same, Is.EqualTo(codes));
    });

    [Test]
    public void A_row_keeps_its_direction([Values(8, 256, 2048)] int dimension)
    {
        var random = new Random(dimension);
        double worst = 0;
        for (int i = 0; i < 200; i++)
        {
            float[] row = [.. Enumerable.Range(0, dimension).Select(_ => (float)Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * (float)Math.Cos(2 * Math.PI * random.NextDouble()))];
            (float scale, sbyte[] codes) = Encode(row);
            float[] read = Decode(scale, codes);
            double product = 0, own = 0, others = 0, off = 0;
            for (int d = 0; d < dimension; d++)
            {
                product += (double)row[d] * read[d];
                own += (double)row[d] * row[d];
                others += (double)read[d] * read[d];
                off += Math.Pow(row[d] - (double)read[d], 2);
            }
            double distance = 1 - product / Math.Sqrt(own * others);
            // sin² of the angle is at most the squared error over the squared length: half a scale for each value.
            Assert.That(distance, Is.LessThanOrEqualTo(off / own).And.LessThanOrEqualTo(dimension * Math.Pow(scale, 2) / 4 / own));
            worst = Math.Max(worst, distance);
        }
        Assert.That(worst, Is.LessThan(1e-4), "of normally distributed values");
    }
}
