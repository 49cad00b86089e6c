using System.Text;
using NUnit.Framework;
using Osprey.Interop.Formats;

namespace Osprey.Tests.Interop;

[TestFixture]
public sealed class NpyTests
{
    string folder = "";

    [OneTimeSetUp]
    public void CreateFolder() => folder = Directory.CreateTempSubdirectory("osprey-npy").FullName;

    [OneTimeTearDown]
    public void DeleteFolder() => Directory.Delete(folder, recursive: true);

    string At(string name) => Path.Combine(folder, name);

    /// <summary>A file laid out by hand, header text and all.</summary>
    string Write(string name, int version, string dictionary, byte[] data)
    {
        byte[] text = Encoding.UTF8.GetBytes(dictionary + "\n");
        using var stream = File.Create(At(name));
        stream.Write([0x93, .. "NUMPY"u8, (byte)version, 0]);
        stream.Write(version == 1 ? BitConverter.GetBytes((ushort)text.Length) : BitConverter.GetBytes(text.Length));
        stream.Write(text);
        stream.Write(data);
        return At(name);
    }

    static byte[] Bytes(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    [Test]
    public void The_bytes_are_numpys()
    {
        // np.save of np.array([[1, 2.5], [-3, 4]], '<f4') begins with exactly this header (numpy 1.x: padded to 128 in all).
        using var stream = new MemoryStream();
        Npy.Write(stream, [1, 2.5f, -3, 4], NpyType.Float32, 2, 2);
        byte[] bytes = stream.ToArray();
        Assert.That(bytes.Length, Is.EqualTo(128 + 16));
        Assert.That(bytes[..10], Is.EqualTo(new byte[] { 0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, 118, 0 }));
        Assert.That(Encoding.ASCII.GetString(bytes[10..128]), Is.EqualTo("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }".PadRight(117) + "\n"));
        Assert.That(bytes[128..], Is.EqualTo(Bytes(1, 2.5f, -3, 4)));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void Every_header_version_is_read(int version)
    {
        string path = Write($"v{version}.npy", version, "{'shape': (3,), \"descr\": \"<f4\", 'fortran_order': False}", Bytes(1, 2, 3));
        NpyArray<float> array = Npy.ReadSingles(path);
        Assert.That(array.Values, Is.EqualTo(new float[] { 1, 2, 3 }));
        Assert.That(array.Shape, Is.EqualTo(new long[] { 3 }));
    }

    [TestCase(new long[0], 1)]
    [TestCase(new long[] { 0 }, 0)]
    [TestCase(new long[] { 7 }, 7)]
    [TestCase(new long[] { 0, 5 }, 0)]
    [TestCase(new long[] { 3, 1, 4 }, 12)]
    public void What_is_written_is_read(long[] shape, int count)
    {
        float[] values = [.. Enumerable.Range(0, count).Select(i => 1f / (i + 1))];
        Npy.Write(At("f4.npy"), values, shape);
        NpyArray<float> singles = Npy.ReadSingles(At("f4.npy"));
        Assert.That(singles.Values, Is.EqualTo(values));
        Assert.That(singles.Shape, Is.EqualTo(shape));

        long[] integers = [.. values.Select((_, i) => long.MinValue + i)];
        Npy.Write(At("i8.npy"), integers, shape);
        Assert.That(Npy.ReadInt64s(At("i8.npy")).Values, Is.EqualTo(integers));
        Assert.That(Npy.ReadInt64s(At("i8.npy")).Shape, Is.EqualTo(shape));
    }

    [Test]
    public void Halves_round_to_nearest_even_and_come_back_as_floats()
    {
        float[] values = [.. Enumerable.Range(0, 100_000).Select(i => (i - 50_000) / 777f)];
        values[1] = 65520;
        values[2] = 1 + 1f / 2048;
        values[3] = float.NaN;
        using var stream = new MemoryStream();
        Npy.Write(stream, values, NpyType.Float16, 500, 200);
        Assert.That(stream.Length, Is.EqualTo(128 + 200_000));
        stream.Position = 0;
        NpyArray<float> read = Npy.ReadSingles(stream, "halves");
        Assert.That(read.Values[0], Is.EqualTo(values[0]).Within(values[0] * -0.0005));
        Assert.That(read.Values[1..4], Is.EqualTo(new[] { float.PositiveInfinity, 1f, float.NaN }));
        Assert.That(read.Values, Is.EqualTo(values.Select(v => (float)(Half)v)));
    }

    [Test]
    public void Rows_are_read_in_any_range([Values(NpyType.Float32, NpyType.Float16)] NpyType type)
    {
        const int N = 1000, D = 61;
        float[] values = [.. Enumerable.Range(0, N * D).Select(i => i % 2048f)];
        string path = At($"{type}.npy");
        using (FileStream stream = File.Create(path)) Npy.Write(stream, values, type, N, D);
        using NpyRows rows = NpyRows.Open(path);
        Assert.That((rows.Count, rows.Dimension, rows.Type), Is.EqualTo((N, D, type)));
        foreach ((int first, int count) in new[] { (0, N), (0, 0), (N, 0), (N - 1, 1), (17, 600) })
        {
            float[] read = new float[count * D];
            rows.Read(first, read);
            Assert.That(read.AsSpan().SequenceEqual(values.AsSpan(first * D, count * D)), $"{count} rows from {first}");
        }
        Assert.That(() => rows.Read(N - 1, new float[2 * D]), Throws.ArgumentException.With.Message.Contains("which has 1000"));
        Assert.That(() => rows.Read(0, new float[D + 1]), Throws.ArgumentException.With.Message.Contains("whole number"));
    }

    [TestCase("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }", "Fortran")]
    [TestCase("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2), }", ">f4")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }", "<f8")]
    [TestCase("{'descr': '|O', 'fortran_order': False, 'shape': (1, 2), }", "|O")]
    [TestCase("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", "int64 where float32")]
    [TestCase("{'descr': '|i1', 'fortran_order': False, 'shape': (8,), }", "int8 where float32")]
    public void What_is_not_supported_is_refused_by_name(string dictionary, string why)
    {
        string path = Write("other.npy", 1, dictionary, new byte[8]);
        Assert.That(() => Npy.ReadSingles(path), Throws.TypeOf<NotSupportedException>().With.Message.Contains(why).And.Message.Contains("other.npy"));
    }

    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }", "truncated")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }", "followed by something else")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }", "impossible shape")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "impossible shape")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, }", "without 'shape'")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': __import__('os'), }", "not understood")]
    [TestCase("nonsense", "not understood")]
    public void A_broken_header_is_refused(string dictionary, string why)
    {
        string path = Write("broken.npy", 2, dictionary, new byte[8]);
        Assert.That(() => Npy.ReadSingles(path), Throws.TypeOf<InvalidDataException>().With.Message.Contains(why).And.Message.Contains("broken.npy"));
    }

    [Test]
    public void Every_truncation_is_refused()
    {
        Npy.Write(At("whole.npy"), [1f, 2f], 2);
        byte[] whole = File.ReadAllBytes(At("whole.npy"));
        for (int length = 0; length < whole.Length; length++)
            Assert.That(() => Npy.ReadSingles(new MemoryStream(whole[..length]), "cut"), Throws.TypeOf<InvalidDataException>(), $"{length} bytes");
    }

    [Test]
    public void A_header_that_claims_gigabytes_is_not_read()
    {
        byte[] bytes = [0x93, .. "NUMPY"u8, 2, 0, 0xff, 0xff, 0xff, 0xff, 0, 0];
        Assert.That(() => Npy.ReadSingles(new MemoryStream(bytes), "bomb"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("4294967295"));
    }

    [Test]
    public void A_shape_of_another_size_is_not_written()
    {
        Assert.That(() => Npy.Write(new MemoryStream(), new float[5], NpyType.Float32, 2, 3), Throws.ArgumentException.With.Message.Contains("5 values").And.Message.Contains("holds 6"));
        Assert.That(() => Npy.Write(new MemoryStream(), new float[1], NpyType.Int64, 1), Throws.ArgumentException);
        Assert.That(() => Npy.Write(new MemoryStream(), new float[1], NpyType.Int8, 1), Throws.ArgumentException.With.Message.Contains("Int8"));
    }

    [Test]
    public void Rows_of_something_that_is_no_matrix_are_refused()
    {
        Npy.Write(At("flat.npy"), [1f, 2f], 2);
        Assert.That(() => NpyRows.Open(At("flat.npy")), Throws.TypeOf<InvalidDataException>().With.Message.Contains("[rows, dimension]"));
    }
}
