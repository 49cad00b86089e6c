using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>How a set of named tensors compares to the names and shapes of a module.</summary>
sealed record WeightsFit(int Expected, IReadOnlyList<string> Missing, IReadOnlyList<string> Misshapen, IReadOnlyList<string> Unexpected)
{
    const string BatchCounter = "num_batches_tracked";

    public bool IsExact => Missing.Count + Misshapen.Count + Unexpected.Count == 0;

    public static WeightsFit Check(IReadOnlyDictionary<string, Tensor> expected, IReadOnlyDictionary<string, Tensor> given, Func<string, bool> ignored)
    {
        List<string> missing = [], misshapen = [];
        foreach (var (name, tensor) in expected)
        {
            if (!given.TryGetValue(name, out Tensor? value))
            {
                if (!name.EndsWith(BatchCounter, StringComparison.Ordinal)) missing.Add(name);
            }
            else if (!value.shape.AsSpan().SequenceEqual(tensor.shape))
                misshapen.Add($"{name} is [{string.Join(",", value.shape)}], not [{string.Join(",", tensor.shape)}]");
            else if (value.is_floating_point() != tensor.is_floating_point())
                misshapen.Add($"{name} is {value.dtype}");
        }
        return new WeightsFit(expected.Count, missing, misshapen, [.. given.Keys.Where(n => !expected.ContainsKey(n) && !ignored(n))]);
    }

    /// <summary>One line: how many and the first few of each.</summary>
    public string Describe()
    {
        var parts = new List<string>();
        if (Missing.Count > 0) parts.Add($"{Missing.Count} of {Expected} tensors are missing ({FirstFew(Missing)})");
        if (Misshapen.Count > 0) parts.Add($"{Misshapen.Count} have another shape or type ({FirstFew(Misshapen)})");
        if (Unexpected.Count > 0) parts.Add($"{Unexpected.Count} do not belong ({FirstFew(Unexpected)})");
        return string.Join(", ", parts);
    }

    static string FirstFew(IReadOnlyList<string> names) => string.Join(", ", names.Take(3)) + (names.Count > 3 ? ", …" : "");
}
