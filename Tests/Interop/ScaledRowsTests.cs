using NUnit.Framework;
using Osprey.Interop.Formats;

namespace Osprey.Tests.Interop;

[TestFixture]
public sealed class ScaledRowsTests
{
    ScratchFolder scratch = new();

    [SetUp]
    public void MakeFolder() => scratch = new ScratchFolder();

    [TearDown]
    public void DeleteFolder() => scratch.Dispose();

    float[] Write(int rows, int dimension)
    {
        var random = new Random(rows);
        float[] values = [.. Enumerable.Range(0, rows * dimension).Select(_ => random.NextSingle() - 0.5f)], scales = new float[rows];
        using (FileStream stream = File.Create(scratch["codes.npy"])) ScaledRows.Write(stream, values, dimension, scales, i => $"row {i}");
        Npy.Write(scratch["scales.npy"], scales, rows);
        return values;
    }

    ScaledRows Open() => ScaledRows.Open(scratch["codes.npy"], scratch["scales.npy"]);

    [TestCase(0, 3)]
    [TestCase(1, 1)]
    [TestCase(1000, 61)]
    [TestCase(3, 40_000)]
    public void Rows_are_read_in_any_range(int count, int dimension)
    {
        float[] values = Write(count, dimension), whole = new float[values.Length];
        using ScaledRows rows = Open();
        Assert.That((rows.Count, rows.Dimension), Is.EqualTo((count, dimension)));
        rows.Read(0, whole);
        Assert.That(whole, Is.EqualTo(values).Within(0.5f / 127));
        foreach ((int first, int length) in new[] { (0, 0), (count, 0), (count / 2, count - (count / 2)), (Math.Max(0, count - 1), Math.Min(1, count)) })
        {
            float[] read = new float[length * dimension];
            rows.Read(first, read);
            Assert.That(read.AsSpan().SequenceEqual(whole.AsSpan(first * dimension, length * dimension)), $"{length} rows from {first}");
        }
        Assert.That(() => rows.Read(count, new float[dimension]), Throws.ArgumentException.With.Message.Contains($"which has {count}"));
    }

    [Test]
    public void A_row_without_a_scale_is_named()
    {
        using var stream = new MemoryStream();
        Assert.That(() => ScaledRows.Write(stream, [1, 2, 3, float.NaN], 2, new float[2], i => $"picture {i}.png"), Throws.ArgumentException.With.Message.Contains("picture 1.png").And.Message.Contains("not finite"));
    }

    [Test]
    public void Files_that_do_not_belong_together_are_refused()
    {
        Write(4, 3);
        Npy.Write(scratch["scales.npy"], [1f, 1, 1], 3);
        Assert.That(Open, Throws.TypeOf<InvalidDataException>().With.Message.Contains("scales.npy").And.Message.Contains("has 4 rows"));
        foreach (float wrong in new[] { 0, -1, float.NaN, float.PositiveInfinity, 1e-40f, 3e38f })
        {
            Npy.Write(scratch["scales.npy"], [1f, 1, wrong, 1], 4);
            Assert.That(Open, Throws.TypeOf<InvalidDataException>().With.Message.Contains("scales.npy: the scale of row 2"), $"{wrong}");
        }
        Npy.Write(scratch["codes.npy"], new float[12], 4, 3);
        Assert.That(Open, Throws.TypeOf<InvalidDataException>().With.Message.Contains("float32 where int8"));
        Assert.That(() => NpyRows.Open(scratch["codes.npy"]).Dispose(), Throws.Nothing);
    }

    [Test]
    public void Codes_alone_are_no_floats()
    {
        Write(4, 3);
        Assert.That(() => NpyRows.Open(scratch["codes.npy"]), Throws.TypeOf<NotSupportedException>().With.Message.Contains("int8 where float32 or float16"));
        Assert.That(() => Npy.ReadSingles(scratch["codes.npy"]), Throws.TypeOf<NotSupportedException>().With.Message.Contains("int8 where float32 or float16"));
    }
}
