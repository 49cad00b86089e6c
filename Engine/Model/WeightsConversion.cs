using Osprey.Interop.Formats;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>From one weights format to another.</summary>
public static class WeightsConversion
{
    /// <summary>Writes the tensors of <paramref name="source"/> with the same names, types and values.</summary>
    /// <param name="source">safetensors or PyTorch, told by content.</param>
    /// <param name="destination">Its extension says what is written: <c>.safetensors</c>, or <c>.pth</c> or <c>.pt</c>. Replaced where it is there.</param>
    /// <exception cref="ArgumentException">The destination has another extension, or is the source itself.</exception>
    /// <exception cref="InvalidDataException">The source is broken.</exception>
    public static void Convert(string source, string destination)
    {
        string extension = Path.GetExtension(destination).ToLowerInvariant();
        if (extension is not (".safetensors" or ".pth" or ".pt"))
            throw new ArgumentException($"{destination} should end in .safetensors, .pth or .pt, which says what to write");
        if (Path.GetFullPath(source) == Path.GetFullPath(destination)) throw new ArgumentException($"{destination} is the source itself; name another file");
        using var scope = NewDisposeScope();
        IReadOnlyDictionary<string, Tensor> tensors = WeightsFile.Read(source);
        if (extension == ".safetensors")
            SafeTensors.Write(destination, tensors, WeightsFile.Sniff(source) == WeightsFormat.SafeTensors ? SafeTensors.ReadMetadata(source) : null);
        else
            PyTorchFile.Write(destination, tensors);
    }
}
