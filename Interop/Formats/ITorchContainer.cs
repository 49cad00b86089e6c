namespace Osprey.Interop.Formats;

/// <summary>Either of the two layouts of a PyTorch file: the unpickled object, and the storages it points into.</summary>
interface ITorchContainer : IDisposable
{
    object? Root { get; }

    /// <summary>The bytes of a storage, from its first one; at least as many as <see cref="TorchStorage.Bytes"/> are there.</summary>
    /// <exception cref="InvalidDataException">The file has no such storage, or not all of it.</exception>
    Stream OpenStorage(TorchStorage storage, string what);
}
