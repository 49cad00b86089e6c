using System.Numerics;

namespace Osprey.Interop.Formats;

/// <summary>
/// The layout before PyTorch 1.6: pickles of a magic number, the protocol, the writer's machine, the object and the storages' keys; then
/// each storage as its element count (int64) and its values.
/// </summary>
sealed class TorchLegacy : ITorchContainer
{
    const int Protocol = 1001;
    static readonly BigInteger Magic = BigInteger.Parse("1950a86a20f9469cfc6c", System.Globalization.NumberStyles.HexNumber);

    readonly Dictionary<string, (long Position, long Bytes)> places = [];
    readonly string path;

    public TorchLegacy(FileStream file, string path)
    {
        this.path = path;
        var announced = new Dictionary<string, TorchStorage>();
        var source = new PickleSource(file, path);
        if (Load() is not BigInteger magic || magic != Magic) throw new InvalidDataException($"{path} is a pickle, and not one that torch.save wrote");
        if (Load() is not long protocol || protocol != Protocol) throw new InvalidDataException($"{path} is of another version of torch.save's older format than {Protocol}");
        if (Load() is not PickleDictionary machine || machine.Named().Any(e => e is { Key: "little_endian", Value: false }))
            throw new InvalidDataException($"{path} was written on a big-endian machine; save it again on another");
        Root = Load();
        if (Load() is not PickleList keys) throw new InvalidDataException($"{path} has no list of storages");
        foreach (object? item in keys.Items)
        {
            if (item is not string key || !announced.TryGetValue(key, out TorchStorage? storage)) throw new InvalidDataException($"{path} lists a storage that no tensor uses");
            long elements = source.Int64(), size = ElementType.Size(storage.Type);
            if (elements < 0 || elements > (file.Length - file.Position) / size)
                throw new InvalidDataException($"{path} is cut off: storage {key} has {elements} elements of {size} bytes and {file.Length - file.Position} bytes are left");
            if (elements * size < storage.Bytes) throw new InvalidDataException($"{path} is damaged: storage {key} should have {storage.Bytes} bytes and has {elements * size}");
            places[key] = (file.Position, elements * size);
            file.Position += elements * size;
        }

        object? Load() => new Unpickler(source, Announce).Load();

        TorchStorage Announce(PickleTuple id)
        {
            TorchStorage storage = TorchGlobals.Storage(id, path);
            // The storage's first mention decides how its values are stored.
            return announced.TryAdd(storage.Key, storage) || announced[storage.Key] == storage
                ? storage
                : throw new InvalidDataException($"{path} is damaged: storage {storage.Key} is described in two ways");
        }
    }

    public object? Root { get; }

    public Stream OpenStorage(TorchStorage storage, string what)
    {
        if (!places.TryGetValue(storage.Key, out var place)) throw new InvalidDataException($"{what} is in storage {storage.Key}, which the file does not have");
        FileStream values = File.OpenRead(path);
        values.Position = place.Position;
        return values;
    }

    /// <summary>The file is the caller's.</summary>
    public void Dispose()
    {
    }
}
