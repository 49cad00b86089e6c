using static TorchSharp.torch;

namespace Osprey.Interop.Formats;

/// <summary>A file of named tensors, either safetensors or PyTorch's; told apart by content, whatever the extension says.</summary>
public static class WeightsFile
{
    /// <inheritdoc cref="SafeTensors.Read"/>
    public static IReadOnlyDictionary<string, Tensor> Read(string path) =>
        Sniff(path) == WeightsFormat.SafeTensors ? SafeTensors.Read(path) : PyTorchFile.Read(path);

    /// <inheritdoc cref="SafeTensors.Inspect"/>
    public static IReadOnlyList<TensorInfo> Inspect(string path) =>
        Sniff(path) == WeightsFormat.SafeTensors ? SafeTensors.Inspect(path) : PyTorchFile.Inspect(path);

    /// <exception cref="InvalidDataException">The file is neither; the message says what it looks like.</exception>
    public static WeightsFormat Sniff(string path)
    {
        Span<byte> start = stackalloc byte[16];
        int count;
        using (FileStream file = File.OpenRead(path)) count = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        start = start[..count];
        if (start.StartsWith("PK\x03\x04"u8)) return WeightsFormat.PyTorch;
        // Before the pickle: a header of 640 bytes, for one, begins with 0x80 0x02 too. Byte 8 of PyTorch's is within its magic number.
        if (count > 8 && start[8] == (byte)'{') return WeightsFormat.SafeTensors;
        // A pickle of protocol 2 to 5: the older PyTorch format starts with its magic number.
        if (count > 2 && start[0] == 0x80 && start[1] is >= 2 and <= 5) return WeightsFormat.PyTorchLegacy;
        if (start.StartsWith("version https://"u8)) throw new InvalidDataException($"{path} is a Git LFS pointer, not the file itself; fetch it with 'git lfs pull'");
        if (count == 0) throw new InvalidDataException($"{path} is empty");
        throw new InvalidDataException($"{path} is neither safetensors nor a PyTorch file");
    }
}
