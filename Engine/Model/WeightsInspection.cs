using Osprey.Interop.Formats;

namespace Osprey.Engine.Model;

/// <summary>What a weights file holds, without reading its values.</summary>
/// <param name="Path">The file.</param>
/// <param name="Format">As its content shows it.</param>
/// <param name="Architecture">The network it is of, such as <c>resnet18 up to stage 3</c>; null where it is not recognised.</param>
/// <param name="Supported">Whether this engine has that network.</param>
/// <param name="Tensors">In the order of the file.</param>
/// <param name="Metadata">A safetensors file's own notes; empty for others.</param>
public sealed record WeightsInspection(
    string Path, WeightsFormat Format, string? Architecture, bool Supported, IReadOnlyList<TensorInfo> Tensors, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Values of all tensors together.</summary>
    public long Elements => Tensors.Sum(t => t.Elements);

    /// <summary>Bytes of all values together.</summary>
    public long Bytes => Tensors.Sum(t => t.Bytes);

    /// <exception cref="InvalidDataException">The file is broken, or no weights file.</exception>
    public static WeightsInspection Of(string path)
    {
        WeightsFormat format = WeightsFile.Sniff(path);
        IReadOnlyList<TensorInfo> tensors = WeightsFile.Inspect(path);
        ArchitectureGuess guess = ArchitectureGuess.From(tensors.Select(t => (t.Name, t.Shape)));
        return new WeightsInspection(path, format, guess.Describe(), guess.Architecture is not null, tensors,
            format == WeightsFormat.SafeTensors ? SafeTensors.ReadMetadata(path) : new Dictionary<string, string>());
    }
}
