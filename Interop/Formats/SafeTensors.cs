using static TorchSharp.torch;

namespace Osprey.Interop.Formats;

/// <summary>
/// Hugging Face's safetensors: 8 bytes little-endian header length, a JSON header of name → type, shape and byte range, then the values
/// without a gap. Nothing in such a file can run. Format: https://github.com/huggingface/safetensors#format.
/// </summary>
public static class SafeTensors
{
    /// <summary>Reads every tensor, in the order of the values in the file, types kept. The caller owns the tensors.</summary>
    /// <exception cref="InvalidDataException">The file is not safetensors, or its header and its size disagree; the message names both.</exception>
    public static IReadOnlyDictionary<string, Tensor> Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        SafeTensorsHeader header = SafeTensorsHeader.Read(file, path);
        var tensors = new Dictionary<string, Tensor>(header.Entries.Count);
        using var scope = NewDisposeScope();
        foreach (SafeTensorsHeader.Entry entry in header.Entries)
        {
            if (!ElementType.TryParse(entry.Info.Type, out ScalarType type, out _))
                throw new InvalidDataException($"{path}: {entry.Info.Name} is of type {entry.Info.Type}; the types read are {ElementType.Names}");
            file.Position = header.DataStart + entry.Begin;
            tensors.Add(entry.Info.Name, TensorBytes.Read(file, type, entry.Info.Shape.ToArray(), $"{path}: {entry.Info.Name}"));
        }
        foreach (Tensor tensor in tensors.Values) tensor.MoveToOuterDisposeScope();
        return tensors;
    }

    /// <summary>Names, types and shapes, in the order of the values in the file; reads the header only.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Read"/>.</exception>
    public static IReadOnlyList<TensorInfo> Inspect(string path)
    {
        using FileStream file = File.OpenRead(path);
        return [.. SafeTensorsHeader.Read(file, path).Entries.Select(e => e.Info)];
    }

    /// <summary>The file's own key → value notes (<c>__metadata__</c>); empty where it has none.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Read"/>.</exception>
    public static IReadOnlyDictionary<string, string> ReadMetadata(string path)
    {
        using FileStream file = File.OpenRead(path);
        return SafeTensorsHeader.Read(file, path).Metadata;
    }

    /// <summary>Writes aside, flushes to the disk and renames, so that a reader never sees half a file.</summary>
    /// <exception cref="NotSupportedException">A tensor's type has no safetensors name.</exception>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        AtomicFile.Write(path, file => Write(file, tensors, metadata));

    /// <summary>
    /// Writes wide types first and the given order within a width: every value is aligned to its size, as the header is padded to 8 bytes.
    /// The same tensors in the same order give the same bytes.
    /// </summary>
    /// <exception cref="NotSupportedException">A tensor's type has no safetensors name.</exception>
    public static void Write(Stream destination, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        foreach (Tensor tensor in tensors.Values) _ = ElementType.Name(tensor.dtype);
        KeyValuePair<string, Tensor>[] ordered = [.. tensors.OrderByDescending(t => ElementType.Size(t.Value.dtype))];
        destination.Write(SafeTensorsHeader.Serialize(ordered.Select(t =>
            new TensorInfo(t.Key, ElementType.Name(t.Value.dtype), t.Value.shape, t.Value.NumberOfElements * ElementType.Size(t.Value.dtype))), metadata));
        foreach (var (name, tensor) in ordered) TensorBytes.Write(destination, tensor, name);
    }
}
