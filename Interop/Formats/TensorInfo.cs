namespace Osprey.Interop.Formats;

/// <summary>What a weights file says of one tensor, without its values.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="Type">Element type as safetensors writes it: <c>F32</c>, <c>F16</c>, <c>BF16</c>, <c>I64</c>, …</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar.</param>
/// <param name="Bytes">Size of the values, in bytes.</param>
public sealed record TensorInfo(string Name, string Type, IReadOnlyList<long> Shape, long Bytes)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}
