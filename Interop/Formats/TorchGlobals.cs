using static TorchSharp.torch;

namespace Osprey.Interop.Formats;

/// <summary>The names a pickle of weights may use, and what calling them gives. There is no other way from a name to an action.</summary>
static class TorchGlobals
{
    const string OrderedDict = "collections.OrderedDict";
    const string RebuildTensor = "torch._utils._rebuild_tensor";
    const string RebuildTensorV2 = "torch._utils._rebuild_tensor_v2";
    const string RebuildParameter = "torch._utils._rebuild_parameter";
    const string Size = "torch.Size";
    const string TorchDevice = "torch.device";

    static readonly Dictionary<string, ScalarType> Storages = new()
    {
        ["torch.FloatStorage"] = ScalarType.Float32,
        ["torch.DoubleStorage"] = ScalarType.Float64,
        ["torch.HalfStorage"] = ScalarType.Float16,
        ["torch.BFloat16Storage"] = ScalarType.BFloat16,
        ["torch.LongStorage"] = ScalarType.Int64,
        ["torch.IntStorage"] = ScalarType.Int32,
        ["torch.ShortStorage"] = ScalarType.Int16,
        ["torch.CharStorage"] = ScalarType.Int8,
        ["torch.ByteStorage"] = ScalarType.Byte,
        ["torch.BoolStorage"] = ScalarType.Bool,
        ["torch.UntypedStorage"] = ScalarType.Byte,
        ["torch.storage.UntypedStorage"] = ScalarType.Byte,
        ["torch.storage._UntypedStorage"] = ScalarType.Byte,
    };

    static readonly HashSet<string> Callables =
    [
        OrderedDict, RebuildTensor, RebuildTensorV2, RebuildParameter, Size, TorchDevice,
        "__builtin__.set", "builtins.set", "__builtin__.frozenset", "builtins.frozenset",
    ];

    /// <summary>Element types: values of other entries of a checkpoint, carried and not used.</summary>
    static readonly HashSet<string> Types =
    [
        "torch.float32", "torch.float64", "torch.float16", "torch.bfloat16", "torch.int64", "torch.int32", "torch.int16", "torch.int8", "torch.uint8", "torch.bool",
    ];

    /// <exception cref="InvalidDataException">The name is none of those that weights need; the message shows it.</exception>
    public static PickleGlobal Find(string module, string name, string path)
    {
        string full = $"{module}.{name}";
        if (Callables.Contains(full) || Storages.ContainsKey(full) || Types.Contains(full)) return new PickleGlobal(full);
        throw new InvalidDataException(
            $"{path} asks to load {full}, which could run code; only tensors and containers are read. In PyTorch, save the tensors alone: torch.save(model.state_dict(), file)");
    }

    public static object Call(PickleGlobal global, PickleTuple arguments, string path)
    {
        object?[] items = arguments.Items;
        switch (global.Name)
        {
            case OrderedDict: return Ordered(items);
            case Size when items is [PickleTuple sizes]: return sizes;
            case Size when items is [PickleList sizes]: return new PickleTuple([.. sizes.Items]);
            case TorchDevice: return global;
            case RebuildParameter when items is [StoredTensor tensor, ..]: return tensor;
            case RebuildTensorV2 or RebuildTensor when items is [TorchStorage storage, long offset, PickleTuple shape, PickleTuple strides, ..]:
                return StoredTensor.Create(storage, offset, Longs(shape), Longs(strides), path);
            case "__builtin__.set" or "builtins.set" or "__builtin__.frozenset" or "builtins.frozenset": return new PickleList();
            default: throw Broken();
        }

        object Ordered(object?[] pairs)
        {
            var dictionary = new PickleDictionary { Ordered = true };
            if (pairs.Length == 0) return dictionary;
            // Python 2 wrote the items as an argument: a list of [key, value].
            if (pairs is not [PickleList list]) throw Broken();
            foreach (object? pair in list.Items)
                dictionary.Items.Add(pair switch
                {
                    PickleList { Items: [var key, var value] } => (key, value),
                    PickleTuple { Items: [var key, var value] } => (key, value),
                    _ => throw Broken(),
                });
            return dictionary;
        }

        long[] Longs(PickleTuple tuple) => [.. tuple.Items.Select(i => i is long value ? value : throw Broken())];

        InvalidDataException Broken() => new($"{path} is damaged: {global.Name} is called with values that do not belong to it");
    }

    /// <summary>The storage that the tuple ('storage', type, key, location, elements[, view]) of a pickle names.</summary>
    public static TorchStorage Storage(PickleTuple id, string path)
    {
        if (id.Items is ["storage", PickleGlobal global, string key, string, long elements, ..] && Storages.TryGetValue(global.Name, out ScalarType type)
            && elements >= 0 && elements <= long.MaxValue / 8)
        {
            if (id.Items.Length > 5 && id.Items[5] is not null)
                throw new InvalidDataException($"{path} has views between storages, from before PyTorch 0.4; load and save it again in PyTorch");
            return new TorchStorage(key, type, elements * ElementType.Size(type));
        }
        throw new InvalidDataException($"{path} is damaged: a storage in its pickle has no type, key or size");
    }
}
