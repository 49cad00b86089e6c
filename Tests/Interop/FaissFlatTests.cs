using System.Globalization;
using System.Runtime.InteropServices;
using NUnit.Framework;
using Osprey.Interop.Formats;

namespace Osprey.Tests.Interop;

[TestFixture]
public sealed class FaissFlatTests
{
    string folder = "";

    [SetUp]
    public void CreateFolder() => folder = Directory.CreateTempSubdirectory("osprey-faiss-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(folder, recursive: true);

    string At(string name) => Path.Combine(folder, name);

    /// <summary>What faiss 1.7.3 wrote for <c>IndexFlatIP(3)</c> and <c>IndexFlatL2(3)</c> of the rows 0 1 2, 3 4 5.</summary>
    static byte[] Known(bool l2) => Convert.FromHexString(
        (l2 ? "49784632" : "49784649") + "03000000" + "0200000000000000" + "0000100000000000" + "0000100000000000" + "01" + (l2 ? "01000000" : "00000000") + "0600000000000000"
        + "00000000" + "0000803f" + "00000040" + "00004040" + "00008040" + "0000a040");

    static readonly float[] Rows = [0, 1, 2, 3, 4, 5];

    void Write(string path, ReadOnlySpan<float> rows, int dimension, bool l2)
    {
        using FileStream stream = File.Create(At(path));
        FaissFlat.WriteHeader(stream, rows.Length / dimension, dimension, l2);
        stream.Write(MemoryMarshal.AsBytes(rows));
    }

    [Test]
    public void The_bytes_are_those_that_faiss_writes([Values] bool l2)
    {
        Write("a.faiss", Rows, 3, l2);
        Assert.That(File.ReadAllBytes(At("a.faiss")), Is.EqualTo(Known(l2)));
    }

    [Test]
    public void What_faiss_wrote_is_read([Values] bool l2)
    {
        File.WriteAllBytes(At("a.faiss"), Known(l2));
        using FaissFlat flat = FaissFlat.Open(At("a.faiss"));
        Assert.That((flat.Count, flat.Dimension, flat.IsL2), Is.EqualTo((2L, 3, l2)));
        float[] second = new float[3];
        flat.Read(1, second);
        Assert.That(second, Is.EqualTo(new float[] { 3, 4, 5 }));
        Assert.That(() => flat.Read(1, new float[6]), Throws.ArgumentException.With.Message.Contains("rows 1 to 2").And.Message.Contains("has 2"));
        Assert.That(() => flat.Read(0, new float[4]), Throws.ArgumentException);
    }

    [Test]
    public void The_older_kind_takes_its_metric_from_the_field([Values] bool l2)
    {
        byte[] bytes = Known(l2);
        bytes[3] = (byte)'l';
        File.WriteAllBytes(At("a.faiss"), bytes);
        using FaissFlat flat = FaissFlat.Open(At("a.faiss"));
        Assert.That(flat.IsL2, Is.EqualTo(l2));
    }

    static byte[] With(int at, byte value)
    {
        byte[] bytes = Known(l2: false);
        bytes[at] = value;
        return bytes;
    }

    static readonly TestCaseData[] Broken =
    [
        new TestCaseData(Array.Empty<byte>(), "no index of FAISS"),
        new TestCaseData(With(0, 0x80), "no index of FAISS"),
        new TestCaseData(Known(l2: false)[..44], "truncated"),
        new TestCaseData(Known(l2: false)[..^1], "truncated"),
        new TestCaseData((byte[])[.. Known(l2: false), 0], "followed by something else"),
        new TestCaseData(With(33, 1), "of the kind IxFI and has the metric 1"),
        new TestCaseData(With(4, 2), "claims 2 × 2 values and then 6"),
        new TestCaseData(With(7, 0x80), "is broken"),
        new TestCaseData(With(15, 0x80), "is broken"),
        new TestCaseData(With(44, 0x40), "is broken"),
    ];

    [TestCaseSource(nameof(Broken))]
    public void A_broken_file_is_named(byte[] bytes, string message)
    {
        File.WriteAllBytes(At("a.faiss"), bytes);
        Assert.That(() => FaissFlat.Open(At("a.faiss")), Throws.TypeOf<InvalidDataException>().With.Message.Contains(At("a.faiss")).And.Message.Contains(message));
    }

    [TestCase("IwFl", "of the kind IwFl")]
    [TestCase("IxMp", "of the kind IxMp")]
    public void Another_kind_of_index_is_refused_by_name(string kind, string message)
    {
        File.WriteAllBytes(At("a.faiss"), [.. System.Text.Encoding.ASCII.GetBytes(kind), .. Known(l2: false)[4..]]);
        Assert.That(() => FaissFlat.Open(At("a.faiss")), Throws.TypeOf<NotSupportedException>().With.Message.Contains(message));
    }

    [Test]
    public void Another_metric_is_refused()
    {
        byte[] bytes = With(33, 2);
        bytes[3] = (byte)'l';
        File.WriteAllBytes(At("a.faiss"), bytes);
        Assert.That(() => FaissFlat.Open(At("a.faiss")), Throws.TypeOf<NotSupportedException>().With.Message.Contains("metric 2"));
    }

    static string[] Faiss(string script, params string[] arguments) => Python.Run("faiss", "import numpy as np\n" + script, arguments).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    [Test]
    public void Faiss_reads_it_and_finds_what_a_plain_scan_finds([Values] bool l2)
    {
        const int count = 300, dimension = 17;
        var random = new Random(1);
        float[] rows = [.. Enumerable.Range(0, count * dimension).Select(_ => (float)random.NextDouble() - 0.5f)];
        Write("a.faiss", rows, dimension, l2);
        string[] lines = Faiss("i = faiss.read_index(sys.argv[1])\nq = i.reconstruct_n(0, i.ntotal)[::50] * np.float32(0.9)\nprint(i.metric_type, i.ntotal, i.d)\nfor r in i.search(q, 5)[1]: print(*r)", At("a.faiss"));
        Assert.That(lines[0], Is.EqualTo(FormattableString.Invariant($"{(l2 ? 1 : 0)} {count} {dimension}")));
        for (int q = 0; q < 6; q++)
        {
            float[] query = [.. rows.AsSpan(q * 50 * dimension, dimension).ToArray().Select(v => v * 0.9f)];
            double Score(int row) => Enumerable.Range(0, dimension).Sum(d => l2 ? -Math.Pow(query[d] - rows[row * dimension + d], 2) : (double)query[d] * rows[row * dimension + d]);
            Assert.That(lines[q + 1].Split(' ').Select(id => int.Parse(id, CultureInfo.InvariantCulture)), Is.EqualTo(Enumerable.Range(0, count).OrderByDescending(Score).Take(5)));
        }
    }

    [Test]
    public void What_faiss_writes_now_is_read([Values] bool l2, [Values(0, 1, 33)] int count)
    {
        Faiss("n = int(sys.argv[3])\ni = (faiss.IndexFlatL2 if sys.argv[2] == 'True' else faiss.IndexFlatIP)(4)\ni.add(np.arange(4 * n, dtype='f4').reshape(n, 4) / 8)\nfaiss.write_index(i, sys.argv[1])", At("f.faiss"), $"{l2}", $"{count}");
        using FaissFlat flat = FaissFlat.Open(At("f.faiss"));
        Assert.That((flat.Count, flat.Dimension, flat.IsL2), Is.EqualTo(((long)count, 4, l2)));
        float[] rows = new float[4 * count];
        flat.Read(0, rows);
        Assert.That(rows, Is.EqualTo(Enumerable.Range(0, 4 * count).Select(i => i / 8f)));
    }
}
