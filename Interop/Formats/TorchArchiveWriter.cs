using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using static TorchSharp.torch;

namespace Osprey.Interop.Formats;

/// <summary>Writes the zip archive that <c>torch.save(dict)</c> writes: one pickle of protocol 2 and one storage per tensor.</summary>
static class TorchArchiveWriter
{
    static readonly Dictionary<ScalarType, string> Storages = new()
    {
        [ScalarType.Float32] = "FloatStorage",
        [ScalarType.Float64] = "DoubleStorage",
        [ScalarType.Float16] = "HalfStorage",
        [ScalarType.BFloat16] = "BFloat16Storage",
        [ScalarType.Int64] = "LongStorage",
        [ScalarType.Int32] = "IntStorage",
        [ScalarType.Int16] = "ShortStorage",
        [ScalarType.Int8] = "CharStorage",
        [ScalarType.Byte] = "ByteStorage",
        [ScalarType.Bool] = "BoolStorage",
    };

    public static void Write(Stream destination, IReadOnlyDictionary<string, Tensor> tensors)
    {
        foreach (Tensor tensor in tensors.Values) _ = ElementType.Name(tensor.dtype);
        using var archive = new ZipArchive(destination, ZipArchiveMode.Create, leaveOpen: true);
        Add("data.pkl", stream => stream.Write(Pickle(tensors)));
        int key = 0;
        foreach (var (name, tensor) in tensors) Add($"data/{key++}", stream => TensorBytes.Write(stream, tensor, name));
        Add("version", stream => stream.Write("3\n"u8));

        void Add(string name, Action<Stream> write)
        {
            ZipArchiveEntry entry = archive.CreateEntry("archive/" + name, CompressionLevel.NoCompression);
            // The same tensors give the same bytes.
            entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
            using Stream stream = entry.Open();
            write(stream);
        }
    }

    static byte[] Pickle(IReadOnlyDictionary<string, Tensor> tensors)
    {
        using var pickle = new MemoryStream();
        pickle.Write([0x80, 2]); // protocol 2
        pickle.Write("}("u8); // a dictionary, and a mark for its items
        int key = 0;
        foreach (var (name, tensor) in tensors)
        {
            Text(name);
            pickle.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
            Text("storage");
            pickle.Write(Encoding.ASCII.GetBytes($"ctorch\n{Storages[tensor.dtype]}\n"));
            Text($"{key++}");
            Text("cpu");
            Integer(tensor.NumberOfElements);
            pickle.Write("tQ"u8); // the storage's tuple, looked up by torch.load
            Integer(0);
            long[] shape = tensor.shape;
            long[] strides = new long[shape.Length];
            long stride = 1;
            for (int i = shape.Length - 1; i >= 0; i--)
            {
                strides[i] = stride;
                stride *= Math.Max(shape[i], 1);
            }
            Tuple(shape);
            Tuple(strides);
            pickle.WriteByte(0x89); // requires_grad: False
            pickle.Write("ccollections\nOrderedDict\n)RtR"u8); // no backward hooks; call
        }
        pickle.Write("u."u8);
        return pickle.ToArray();

        void Text(string value)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(value);
            pickle.WriteByte((byte)'X');
            Span<byte> length = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            pickle.Write(length);
            pickle.Write(bytes);
        }

        void Integer(long value)
        {
            Span<byte> bytes = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
            if (value is >= 0 and <= int.MaxValue)
            {
                pickle.WriteByte((byte)'J');
                pickle.Write(bytes[..4]);
                return;
            }
            pickle.Write([0x8a, 8]);
            pickle.Write(bytes);
        }

        void Tuple(long[] values)
        {
            pickle.WriteByte((byte)'(');
            foreach (long value in values) Integer(value);
            pickle.WriteByte((byte)'t');
        }
    }
}
