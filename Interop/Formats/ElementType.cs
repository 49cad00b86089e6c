using static TorchSharp.torch;

namespace Osprey.Interop.Formats;

/// <summary>The element types that weights files and torch have in common.</summary>
static class ElementType
{
    /// <summary>Name in safetensors, torch's type, bytes.</summary>
    static readonly (string Name, ScalarType Type, int Size)[] All =
    [
        ("F64", ScalarType.Float64, 8), ("F32", ScalarType.Float32, 4), ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8), ("I32", ScalarType.Int32, 4), ("I16", ScalarType.Int16, 2), ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1),
    ];

    public static string Names => string.Join(", ", All.Select(t => t.Name));

    public static bool TryParse(string name, out ScalarType type, out int size)
    {
        foreach (var entry in All)
        {
            if (entry.Name != name) continue;
            (_, type, size) = entry;
            return true;
        }
        (type, size) = (default, 0);
        return false;
    }

    public static string Name(ScalarType type)
    {
        foreach (var entry in All)
            if (entry.Type == type) return entry.Name;
        throw new NotSupportedException($"tensors of {type} are not written; the types are {Names}");
    }

    public static int Size(ScalarType type) => All.First(t => t.Type == type).Size;
}
