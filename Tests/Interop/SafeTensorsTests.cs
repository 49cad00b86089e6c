using System.Buffers.Binary;
using System.Text;
using NUnit.Framework;
using Osprey.Interop.Formats;
using static TorchSharp.torch;

namespace Osprey.Tests.Interop;

[TestFixture]
public sealed class SafeTensorsTests
{
    static byte[] Bytes(string header, int values)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[8 + json.Length + values];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        for (int i = 0; i < values; i++) file[8 + json.Length + i] = (byte)i;
        return file;
    }

    static Dictionary<string, Tensor> Everything() => new()
    {
        ["flag"] = tensor([true, false, true]),
        ["small"] = tensor([1f, -2.5f]).to(ScalarType.BFloat16),
        ["half"] = tensor([0.5f, 65504f]).to(ScalarType.Float16),
        ["counter"] = tensor(41L),
        ["transposed"] = arange(6, dtype: ScalarType.Float32).reshape(2, 3).t(),
        ["tail"] = arange(6, dtype: ScalarType.Float64)[TensorIndex.Slice(4)],
        ["nothing"] = zeros(0, 4),
        ["bytes"] = tensor(new byte[] { 0, 255 }),
        ["ints"] = tensor(new[] { int.MinValue, 7 }),
        ["ümläut \"quoted\""] = ones(1, 1, 1),
    };

    [Test]
    public void What_is_written_is_read_back_with_types_shapes_and_values()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        Dictionary<string, Tensor> written = Everything();
        SafeTensors.Write(folder["a"], written, new Dictionary<string, string> { ["format"] = "pt", ["b"] = "2" });
        IReadOnlyDictionary<string, Tensor> read = SafeTensors.Read(folder["a"]);
        Assert.That(read.Keys, Is.EquivalentTo(written.Keys));
        foreach (var (name, tensor) in written)
        {
            Assert.That(read[name].dtype, Is.EqualTo(tensor.dtype), name);
            Assert.That(read[name].shape, Is.EqualTo(tensor.shape), name);
            Assert.That(read[name].bytes.ToArray(), Is.EqualTo(tensor.contiguous().bytes.ToArray()), name);
        }
        Assert.That(SafeTensors.ReadMetadata(folder["a"]), Is.EquivalentTo(new Dictionary<string, string> { ["b"] = "2", ["format"] = "pt" }));
        Assert.That(folder.Files, Is.EqualTo(new[] { "a" }), "nothing is left beside it");
    }

    [Test]
    public void Values_are_aligned_to_their_size_and_the_same_tensors_give_the_same_bytes()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        SafeTensors.Write(folder["a"], Everything());
        SafeTensors.Write(folder["b"], Everything());
        byte[] file = File.ReadAllBytes(folder["a"]);
        Assert.That(file, Is.EqualTo(File.ReadAllBytes(folder["b"])));
        Assert.That(BinaryPrimitives.ReadInt64LittleEndian(file) % 8, Is.Zero);
        long at = 0;
        foreach (TensorInfo tensor in SafeTensors.Inspect(folder["a"]))
        {
            if (tensor.Elements > 0) Assert.That(at % (tensor.Bytes / tensor.Elements), Is.Zero, tensor.Name);
            at += tensor.Bytes;
        }
    }

    [Test]
    public void Half_types_keep_their_values()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        SafeTensors.Write(folder["a"], Everything());
        IReadOnlyDictionary<string, Tensor> read = SafeTensors.Read(folder["a"]);
        Assert.That(read["small"].to(ScalarType.Float32).data<float>().ToArray(), Is.EqualTo(new[] { 1f, -2.5f }));
        Assert.That(read["half"].to(ScalarType.Float32).data<float>().ToArray(), Is.EqualTo(new[] { 0.5f, 65504f }));
    }

    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "lies at bytes", TestName = "Values behind the end")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 12, "describes 8", TestName = "Values nobody names")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "does not fit", TestName = "Shape against bytes")]
    [TestCase("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "does not fit", TestName = "A product that overflows")]
    [TestCase("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}""", 6, "overlap", TestName = "Overlap")]
    [TestCase("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[6,8]}}""", 8, "gap", TestName = "Gap")]
    [TestCase("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "twice", TestName = "A name twice")]
    [TestCase("""{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}""", 1, "impossible shape", TestName = "A negative size")]
    [TestCase("""{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}""", 1, "F4", TestName = "A type not held")]
    [TestCase("""{"a":{"dtype":"U8","data_offsets":[0,1]}}""", 1, "no shape", TestName = "No shape")]
    [TestCase("""{"a":{"dtype":"U8","shape":"x","data_offsets":[0,1]}}""", 1, "header is broken", TestName = "A shape that is text")]
    [TestCase("""{"a":7}""", 0, "header is broken", TestName = "An entry that is no object")]
    [TestCase("""{"a":{""", 0, "header is broken", TestName = "Half a header")]
    [TestCase("""[]""", 0, "not a JSON object", TestName = "An array")]
    public void Broken_files_are_refused(string header, int values, string reason)
    {
        using var folder = new ScratchFolder();
        string path = folder.Write("broken.safetensors", Bytes(header, values));
        Assert.That(() => SafeTensors.Read(path), Throws.TypeOf<InvalidDataException>().With.Message.Contains(reason).And.Message.Contains("broken.safetensors"));
    }

    [Test]
    public void A_header_whose_length_looks_like_a_pickle_is_no_pickle([Values(640, 896, 1152, 1408, 640 + 65536)] int length)
    {
        using var folder = new ScratchFolder();
        byte[] file = Bytes("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""".PadRight(length), 8);
        Assert.That((file[0], (int)file[1]), Is.EqualTo(((byte)0x80, length / 256 % 256)), "the start of a pickle of protocol 2 to 5");
        File.WriteAllBytes(folder["a"], file);
        Assert.That(WeightsFile.Sniff(folder["a"]), Is.EqualTo(WeightsFormat.SafeTensors));
        Assert.That(WeightsFile.Inspect(folder["a"]).Single().Shape, Is.EqualTo(new long[] { 2 }));
    }

    [Test]
    public void A_header_longer_than_the_file_or_the_limit_is_refused_before_it_is_read()
    {
        using var folder = new ScratchFolder();
        byte[] file = Bytes("{}", 0);
        BinaryPrimitives.WriteInt64LittleEndian(file, 50);
        Assert.That(() => SafeTensors.Read(folder.Write("a", file)), Throws.TypeOf<InvalidDataException>().With.Message.Contains("cut off"));
        BinaryPrimitives.WriteInt64LittleEndian(file, -1);
        Assert.That(() => SafeTensors.Read(folder.Write("a", file)), Throws.TypeOf<InvalidDataException>().With.Message.Contains("allowed"));
        Assert.That(() => SafeTensors.Read(folder.Write("a", [1, 2])), Throws.TypeOf<InvalidDataException>());
    }

    [Test]
    public void Damaged_files_give_InvalidDataException_and_nothing_else()
    {
        using var folder = new ScratchFolder();
        using (NewDisposeScope()) SafeTensors.Write(folder["whole"], Everything(), new Dictionary<string, string> { ["k"] = "v" });
        byte[] whole = File.ReadAllBytes(folder["whole"]);
        var random = new Random(1);
        int refused = 0;
        for (int i = 0; i < 1000; i++)
        {
            using var scope = NewDisposeScope();
            string path = folder.Write("damaged", Mutation.Of(whole, random));
            try
            {
                SafeTensors.Read(path);
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        Assert.That(refused, Is.InRange(300, 999));
    }

    [Test]
    public void A_failed_read_leaves_no_tensor_behind()
    {
        using var folder = new ScratchFolder();
        string path = folder.Write("a", Bytes("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F4","shape":[1],"data_offsets":[1,2]}}""", 2));
        using var scope = NewDisposeScope();
        Assert.That(() => SafeTensors.Read(path), Throws.TypeOf<InvalidDataException>());
        Assert.That(scope.DisposablesCount, Is.Zero);
    }
}
