using static TorchSharp.torch;

namespace Osprey.Interop.Formats;

/// <summary>A tuple, and torch.Size, which is one.</summary>
sealed record PickleTuple(object?[] Items);

/// <summary>A list or a set: the engine reads neither, and lets both pass.</summary>
sealed class PickleList
{
    public List<object?> Items { get; } = [];
}

/// <summary>A dict or an OrderedDict, in order; a key met twice counts with its last value.</summary>
sealed class PickleDictionary
{
    public List<(object? Key, object? Value)> Items { get; } = [];

    public bool Ordered { get; init; }

    public IEnumerable<(string Key, object? Value)> Named()
    {
        foreach (var (key, value) in Items)
            if (key is string name) yield return (name, value);
    }
}

/// <summary>A name that the pickle may use; what it means is decided where it is used.</summary>
sealed record PickleGlobal(string Name);

/// <summary>A row of elements in the file that tensors look into.</summary>
/// <param name="Key">The storage's key: the entry <c>data/KEY</c> of the archive.</param>
/// <param name="Type">Element type; bytes where the storage has none.</param>
/// <param name="Bytes">Size in bytes, as the pickle says.</param>
sealed record TorchStorage(string Key, ScalarType Type, long Bytes);

/// <summary>A tensor's place in a storage. Checked: sizes and strides are not negative and stay within the storage.</summary>
/// <param name="Storage">Where the elements are.</param>
/// <param name="Offset">First element, from the storage's start.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Strides">Steps between neighbours of each axis, in elements.</param>
sealed record StoredTensor(TorchStorage Storage, long Offset, long[] Shape, long[] Strides)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Elements from the first one to the last one, both included; 0 where there is none.</summary>
    public long Extent => Elements == 0 ? 0 : 1 + Shape.Zip(Strides, (size, stride) => (size - 1) * stride).Sum();

    public long Bytes => Elements * ElementType.Size(Storage.Type);

    /// <summary>Whether the elements lie in the file in the order of the shape.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != expected) return false;
                expected *= Shape[i];
            }
            return true;
        }
    }

    public static StoredTensor Create(TorchStorage storage, long offset, long[] shape, long[] strides, string path)
    {
        if (shape.Length != strides.Length || shape.Length > 64 || offset < 0 || shape.Any(s => s < 0) || strides.Any(s => s < 0))
            throw Broken("is impossible");
        long available = storage.Bytes / ElementType.Size(storage.Type);
        Int128 elements = 1, last = offset;
        for (int i = 0; i < shape.Length; i++)
        {
            elements *= shape[i];
            if (elements > available) throw Broken($"does not fit its storage of {available} elements");
        }
        if (elements > 0)
        {
            for (int i = 0; i < shape.Length; i++) last += (Int128)(shape[i] - 1) * strides[i];
            if (last >= available) throw Broken($"reaches outside its storage of {available} elements");
        }
        return new StoredTensor(storage, offset, shape, strides);

        InvalidDataException Broken(string why) =>
            new($"{path} is damaged: a tensor [{string.Join(", ", shape)}] with strides [{string.Join(", ", strides)}] at {offset} {why}");
    }
}
