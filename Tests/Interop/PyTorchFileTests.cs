using System.IO.Compression;
using System.Text;
using NUnit.Framework;
using Osprey.Interop.Formats;
using Osprey.Tests.House;
using static TorchSharp.torch;

namespace Osprey.Tests.Interop;

[TestFixture]
public sealed class PyTorchFileTests
{
    /// <summary>A torch archive around a pickle, with one storage "0" of some bytes.</summary>
    static byte[] Archive(byte[] pickle, int storage = 16)
    {
        using var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            using (Stream entry = zip.CreateEntry("x/data.pkl", CompressionLevel.NoCompression).Open()) entry.Write(pickle);
            using (Stream entry = zip.CreateEntry("x/data/0", CompressionLevel.NoCompression).Open()) entry.Write(new byte[storage]);
        }
        return file.ToArray();
    }

    /// <summary>Pickle text: Latin-1, so that U+0080 is the byte 0x80.</summary>
    static byte[] Pickle(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>{'w': rebuild(FloatStorage "0" of 4 elements, offset, shape, stride)}, numbers as single bytes.</summary>
    static byte[] Tensor(byte offset, byte[] shape, byte[] stride, byte elements = 4)
    {
        static string Tuple(byte[] values) => "(" + string.Concat(values.Select(v => $"K{(char)v}")) + "t";
        return Pickle($"\u0080\u0002}}X\u0001\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\00X\u0003\0\0\0cpuK{(char)elements}tQK{(char)offset}{Tuple(shape)}{Tuple(stride)}\u0089ccollections\nOrderedDict\n)RtRs.");
    }

    static IEnumerable<TestCaseData> Samples =>
    [
        new TestCaseData(PyTorchSamples.Zip, WeightsFormat.PyTorch).SetArgDisplayNames("zip"),
        new TestCaseData(PyTorchSamples.Legacy, WeightsFormat.PyTorchLegacy).SetArgDisplayNames("legacy"),
    ];

    [TestCaseSource(nameof(Samples))]
    public void A_nested_checkpoint_of_PyTorch_is_read(byte[] bytes, WeightsFormat format)
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        string path = folder.Write("checkpoint.bin", bytes);
        Assert.That(WeightsFile.Sniff(path), Is.EqualTo(format));
        IReadOnlyDictionary<string, Tensor> read = WeightsFile.Read(path);
        Assert.That(read.Keys, Is.EqualTo(new[] { "w", "v", "s" }));
        Assert.That(read["w"].shape, Is.EqualTo(new long[] { 3, 2 }));
        Assert.That(read["w"].data<float>().ToArray(), Is.EqualTo(new float[] { 0, 3, 1, 4, 2, 5 }), "a transposed view of its storage");
        Assert.That(read["v"].data<long>().ToArray(), Is.EqualTo(new long[] { 3, 4 }), "a view that starts inside its storage");
        Assert.That(read["s"].dtype, Is.EqualTo(ScalarType.Float16));
        Assert.That(read["s"].to(ScalarType.Float32).item<float>(), Is.EqualTo(2.5f));
        Assert.That(WeightsFile.Inspect(path).Select(t => $"{t.Name} {t.Type} {t.Bytes}"), Is.EqualTo(new[] { "w F32 24", "v I64 16", "s F16 2" }));
    }

    [TestCaseSource(nameof(Samples))]
    public void Damaged_files_give_InvalidDataException_and_nothing_else(byte[] whole, WeightsFormat format)
    {
        using var folder = new ScratchFolder();
        var random = new Random((int)format);
        int refused = 0;
        for (int i = 0; i < 1500; i++)
        {
            using var scope = NewDisposeScope();
            string path = folder.Write("damaged", Mutation.Of(whole, random));
            try
            {
                PyTorchFile.Read(path);
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        Assert.That(refused, Is.InRange(300, 1499));
    }

    /// <summary>Damage to the pickle alone, where the archive around it stays whole: this reaches the unpickler every time.</summary>
    [Test]
    public void Damaged_pickles_give_InvalidDataException_and_nothing_else()
    {
        using var folder = new ScratchFolder();
        byte[] whole = Tensor(0, [2, 2], [2, 1]);
        var random = new Random(7);
        int refused = 0;
        for (int i = 0; i < 2000; i++)
        {
            using var scope = NewDisposeScope();
            string path = folder.Write("damaged", Archive(Mutation.Of(whole, random)));
            try
            {
                PyTorchFile.Read(path);
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        Assert.That(refused, Is.InRange(500, 1999));
    }

    [TestCase("\u0080\u0002}X\u0001\0\0\0acos\nsystem\nX\u0004\0\0\0echo\u0085Rs.", "os.system")]
    [TestCase("\u0080\u0002}X\u0001\0\0\0acposix\nsystem\n)Rs.", "posix.system")]
    [TestCase("\u0080\u0002cbuiltins\neval\n.", "builtins.eval")]
    [TestCase("\u0080\u0004\u008c\u0008builtins\u008c\u0004exec\u0093.", "builtins.exec")]
    [TestCase("\u0080\u0002ctorch.nn.modules.linear\nLinear\n)\u0081.", "torch.nn.modules.linear.Linear")]
    public void A_pickle_that_asks_for_anything_else_is_refused_by_name(string pickle, string name)
    {
        using var folder = new ScratchFolder();
        string path = folder.Write("weights.pth", Archive(Pickle(pickle)));
        Assert.That(() => PyTorchFile.Read(path),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains("weights.pth asks to load " + name).And.Message.Contains("only tensors and containers are read"));
    }

    [Test]
    public void A_tensor_within_its_storage_is_read() // the ground that the refusals below stand on
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        Assert.That(PyTorchFile.Read(folder.Write("a", Archive(Tensor(1, [3], [1]))))["w"].shape, Is.EqualTo(new long[] { 3 }));
    }

    [TestCase(0, new byte[] { 5 }, new byte[] { 1 }, 4, 16, TestName = "More elements than the storage")]
    [TestCase(2, new byte[] { 3 }, new byte[] { 1 }, 4, 16, TestName = "An offset that leads outside")]
    [TestCase(0, new byte[] { 2, 2 }, new byte[] { 3, 1 }, 4, 16, TestName = "A stride that leads outside")]
    [TestCase(0, new byte[] { 200, 200, 200 }, new byte[] { 0, 0, 0 }, 4, 16, TestName = "A storage blown up by zero strides")]
    [TestCase(0, new byte[] { 2, 2 }, new byte[] { 2 }, 4, 16, TestName = "Strides that are too few")]
    [TestCase(0, new byte[] { 4 }, new byte[] { 1 }, 4, 12, TestName = "A storage shorter than it says")]
    public void A_tensor_outside_its_storage_is_refused(byte offset, byte[] shape, byte[] stride, byte elements, int bytes)
    {
        using var folder = new ScratchFolder();
        string path = folder.Write("a", Archive(Tensor(offset, shape, stride, elements), bytes));
        Assert.That(() => PyTorchFile.Read(path), Throws.TypeOf<InvalidDataException>());
    }

    [TestCase("\u0080\u0002]q\0h\0a.", "no dictionary", TestName = "A list that holds itself")]
    [TestCase("\u0080\u0002}X\u0005\0\0\0modelh\0s.", "never stored", TestName = "A value never stored")]
    [TestCase("\u0080\u0002}q\0X\u0005\0\0\0modelh\0s.", "no named tensors", TestName = "A dictionary that holds itself")]
    [TestCase("\u0080\u0002X\u00ff\u00ff\u00ff\u007fa.", "announced", TestName = "A text of two gigabytes")]
    [TestCase("\u0080\u0002\u008e\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff.", "announced", TestName = "Bytes without end")]
    [TestCase("\u0080\u0002.", "not there", TestName = "Nothing on the stack")]
    [TestCase("\u0080\u0002(((", "cut off", TestName = "No end")]
    [TestCase("\u0080\u0006N.", "protocol 6", TestName = "A protocol to come")]
    [TestCase("\u0080\u0002K\u0001}b.", "attributes", TestName = "Attributes of a number")]
    [TestCase("\u0080\u0002i.", "0x69", TestName = "An old way to make objects")]
    public void A_broken_pickle_is_refused(string pickle, string reason)
    {
        using var folder = new ScratchFolder();
        string path = folder.Write("a", Archive(Pickle(pickle)));
        Assert.That(() => PyTorchFile.Read(path), Throws.TypeOf<InvalidDataException>().With.Message.Contains(reason));
    }

    [Test]
    public void What_is_written_is_read_back()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        var written = new Dictionary<string, Tensor>
        {
            ["a"] = rand(3, 4).t(),
            ["b"] = tensor(-9L),
            ["c"] = rand(5).to(ScalarType.BFloat16),
            ["d"] = zeros(0, 2, dtype: ScalarType.Bool),
            ["e"] = rand(2).to(ScalarType.Float64),
        };
        PyTorchFile.Write(folder["a.pth"], written);
        IReadOnlyDictionary<string, Tensor> read = WeightsFile.Read(folder["a.pth"]);
        Assert.That(read.Keys, Is.EqualTo(written.Keys));
        foreach (var (name, tensor) in written)
        {
            Assert.That((read[name].dtype, read[name].shape), Is.EqualTo((tensor.dtype, tensor.shape)).UsingPropertiesComparer(), name);
            Assert.That(read[name].bytes.ToArray(), Is.EqualTo(tensor.contiguous().bytes.ToArray()), name);
        }
    }

    /// <summary>Where PyTorch is installed, it opens what we write and finds the same values.</summary>
    [Test]
    public void PyTorch_opens_what_is_written()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        PyTorchFile.Write(folder["a.pth"], new Dictionary<string, Tensor> { ["x.weight"] = arange(6, dtype: ScalarType.Float32).reshape(2, 3), ["n"] = tensor(5L) });
        string output = Python.Run("torch", "d = torch.load(sys.argv[1]); print(list(d), d['x.weight'].tolist(), d['n'].item())", folder["a.pth"]);
        Assert.That(output.Trim(), Is.EqualTo("['x.weight', 'n'] [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] 5"));
    }

    [Test]
    public void The_two_files_of_squeezenet_hold_the_same_tensors()
    {
        using var scope = NewDisposeScope();
        IReadOnlyDictionary<string, Tensor> pth = WeightsFile.Read(Shared.Weights("squeezenet1_1.pth")), safe = WeightsFile.Read(Shared.Weights("squeezenet1_1.safetensors"));
        Assert.That(pth.Keys, Is.EquivalentTo(safe.Keys));
        foreach (string name in pth.Keys)
        {
            Assert.That(pth[name].shape, Is.EqualTo(safe[name].shape), name);
            Assert.That(pth[name].bytes.SequenceEqual(safe[name].bytes), name);
        }
    }

    [Test]
    public void Something_else_is_told_what_it_is()
    {
        using var folder = new ScratchFolder();
        Assert.That(() => WeightsFile.Sniff(folder.Write("a", [])), Throws.TypeOf<InvalidDataException>().With.Message.Contains("empty"));
        Assert.That(() => WeightsFile.Sniff(folder.Write("a", "version https://git-lfs.github.com/spec/v1"u8.ToArray())), Throws.TypeOf<InvalidDataException>().With.Message.Contains("git lfs pull"));
        Assert.That(() => WeightsFile.Sniff(folder.Write("a", "plain text, no weights"u8.ToArray())), Throws.TypeOf<InvalidDataException>().With.Message.Contains("neither"));
        Assert.That(() => PyTorchFile.Read(folder.Write("a", Archive(Pickle("\u0080\u0002}."))[..60])), Throws.TypeOf<InvalidDataException>());
    }
}
