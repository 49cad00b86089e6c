using static TorchSharp.torch;

namespace Osprey.Interop.Formats;

/// <summary>
/// Weights saved with <c>torch.save</c>: the zip archive of PyTorch 1.6 and later, and the older row of pickles. Tensors and containers
/// are read and nothing is run; see <see cref="TorchGlobals"/>.
/// </summary>
/// <remarks>
/// Which tensors: where the saved object is a dictionary with a dictionary under <c>state_dict</c>, <c>model_state_dict</c>,
/// <c>model_state</c>, <c>model</c>, <c>network</c>, <c>net</c> or <c>weights</c> (in this order, up to four deep), that one is taken;
/// then its entries that are tensors; then the prefix <c>module.</c> goes, where every name has it (a DataParallel's).
/// </remarks>
public static class PyTorchFile
{
    static readonly string[] Wrappers = ["state_dict", "model_state_dict", "model_state", "model", "network", "net", "weights"];

    const string ParallelPrefix = "module.";

    /// <summary>Reads every tensor, in the order of the dictionary, types kept, contiguous. The caller owns the tensors.</summary>
    /// <exception cref="InvalidDataException">Not such a file, damaged, or asking for more than tensors and containers; the message says which.</exception>
    public static IReadOnlyDictionary<string, Tensor> Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        using ITorchContainer container = Open(file, path);
        IReadOnlyDictionary<string, StoredTensor> stored = Flatten(container.Root, path);
        CheckAmount(stored.Values, file.Length, path);
        var tensors = new Dictionary<string, Tensor>(stored.Count);
        using var scope = NewDisposeScope();
        foreach (var (name, tensor) in stored) tensors.Add(name, Materialize(container, tensor, $"{path}: {name}"));
        foreach (Tensor tensor in tensors.Values) tensor.MoveToOuterDisposeScope();
        return tensors;
    }

    /// <summary>Names, types and shapes; the values are not read.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Read"/>.</exception>
    public static IReadOnlyList<TensorInfo> Inspect(string path)
    {
        using FileStream file = File.OpenRead(path);
        using ITorchContainer container = Open(file, path);
        return [.. Flatten(container.Root, path).Select(t => new TensorInfo(t.Key, ElementType.Name(t.Value.Storage.Type), t.Value.Shape, t.Value.Bytes))];
    }

    /// <summary>Writes a dictionary of tensors as the zip archive, aside and then renamed; <c>torch.load</c> opens it.</summary>
    /// <exception cref="NotSupportedException">A tensor's type is none of <see cref="SafeTensors"/>'s.</exception>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors) => AtomicFile.Write(path, file => TorchArchiveWriter.Write(file, tensors));

    static ITorchContainer Open(FileStream file, string path)
    {
        Span<byte> start = stackalloc byte[4];
        int count = file.ReadAtLeast(start, 4, throwOnEndOfStream: false);
        file.Position = 0;
        return start[..count].StartsWith("PK\x03\x04"u8) ? new TorchArchive(file, path) : new TorchLegacy(file, path);
    }

    static Dictionary<string, StoredTensor> Flatten(object? root, string path)
    {
        if (root is not PickleDictionary dictionary) throw new InvalidDataException($"{path} holds no dictionary of tensors. In PyTorch, save torch.save(model.state_dict(), file)");
        for (int depth = 0; depth < 4; depth++)
        {
            PickleDictionary? inner = Wrappers.Select(w => dictionary.Named().LastOrDefault(e => e.Key == w).Value).OfType<PickleDictionary>().FirstOrDefault();
            if (inner is null) break;
            dictionary = inner;
        }
        var tensors = new Dictionary<string, StoredTensor>();
        foreach (var (name, value) in dictionary.Named())
            if (value is StoredTensor tensor) tensors[name] = tensor;
        if (tensors.Count == 0)
            throw new InvalidDataException($"{path} holds no named tensors; its entries are {string.Join(", ", dictionary.Named().Take(8).Select(e => e.Key))}");
        return tensors.Keys.All(n => n.StartsWith(ParallelPrefix, StringComparison.Ordinal))
            ? tensors.ToDictionary(t => t.Key[ParallelPrefix.Length..], t => t.Value)
            : tensors;
    }

    /// <summary>Tensors may share a storage; a file that describes many times its own size only wants to fill the memory.</summary>
    static void CheckAmount(IEnumerable<StoredTensor> tensors, long fileLength, string path)
    {
        Int128 total = 0;
        foreach (StoredTensor tensor in tensors) total += Int128.Max(tensor.Bytes, (Int128)tensor.Extent * ElementType.Size(tensor.Storage.Type));
        if (total > 16 * (Int128)fileLength) throw new InvalidDataException($"{path} has {fileLength} bytes and describes {total} bytes of tensors");
    }

    static Tensor Materialize(ITorchContainer container, StoredTensor tensor, string what)
    {
        int size = ElementType.Size(tensor.Storage.Type);
        using Stream values = container.OpenStorage(tensor.Storage, what);
        Skip(values, tensor.Offset * size, what);
        if (tensor.IsContiguous || tensor.Elements == 0) return TensorBytes.Read(values, tensor.Storage.Type, tensor.Shape, what);
        using Tensor flat = TensorBytes.Read(values, tensor.Storage.Type, [tensor.Extent], what);
        using Tensor view = flat.as_strided(tensor.Shape, tensor.Strides);
        return view.contiguous();
    }

    static void Skip(Stream stream, long bytes, string what)
    {
        if (stream.CanSeek)
        {
            stream.Seek(bytes, SeekOrigin.Current);
            return;
        }
        byte[] discarded = new byte[64 * 1024];
        while (bytes > 0)
        {
            int read = stream.Read(discarded, 0, (int)Math.Min(bytes, discarded.Length));
            if (read == 0) throw new InvalidDataException($"{what} lies outside its storage");
            bytes -= read;
        }
    }
}
