using System.IO.Compression;

namespace Osprey.Interop.Formats;

/// <summary>PyTorch's zip archive: <c>NAME/data.pkl</c> and one uncompressed entry <c>NAME/data/KEY</c> per storage.</summary>
sealed class TorchArchive : ITorchContainer
{
    const long MaxPickle = 64 << 20;
    const string PickleName = "data.pkl";

    readonly ZipArchive archive;
    readonly Dictionary<string, ZipArchiveEntry> entries = [];
    readonly string folder;
    readonly string path;

    public TorchArchive(FileStream file, string path)
    {
        this.path = path;
        archive = Guard(() => new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true));
        try
        {
            foreach (ZipArchiveEntry entry in Guard(() => archive.Entries)) entries[entry.FullName] = entry;
            string pickle = entries.Keys.FirstOrDefault(n => n.EndsWith("/" + PickleName, StringComparison.Ordinal))
                ?? throw new InvalidDataException($"{path} is a zip archive without {PickleName}: not written by torch.save");
            folder = pickle[..^PickleName.Length];
            if (entries.ContainsKey(folder + "constants.pkl"))
                throw new InvalidDataException($"{path} is a TorchScript program, which holds code; in PyTorch, save torch.save(module.state_dict(), file)");
            using Stream order = entries.TryGetValue(folder + "byteorder", out ZipArchiveEntry? entry2) ? OpenEntry(entry2, entry2.Name) : Stream.Null;
            if (new StreamReader(order).ReadToEnd() is not ("" or "little")) throw new InvalidDataException($"{path} was written on a big-endian machine; save it again on another");
            Root = Unpickle(entries[pickle]);
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    public object? Root { get; }

    public Stream OpenStorage(TorchStorage storage, string what)
    {
        if (!entries.TryGetValue($"{folder}data/{storage.Key}", out ZipArchiveEntry? entry))
            throw new InvalidDataException($"{what} is in storage {storage.Key}, which the archive does not have");
        if (entry.Length < storage.Bytes) throw new InvalidDataException($"{what} is in storage {storage.Key}, which should have {storage.Bytes} bytes and has {entry.Length}");
        return OpenEntry(entry, what);
    }

    object? Unpickle(ZipArchiveEntry entry)
    {
        if (entry.Length > MaxPickle) throw new InvalidDataException($"{path}: {entry.FullName} has {entry.Length} bytes; up to {MaxPickle} are read");
        byte[] pickle = new byte[entry.Length];
        using (Stream stream = OpenEntry(entry, entry.FullName))
            if (Guard(() => stream.ReadAtLeast(pickle, pickle.Length, throwOnEndOfStream: false)) < pickle.Length)
                throw new InvalidDataException($"{path}: {entry.FullName} is cut off");
        return new Unpickler(new PickleSource(new MemoryStream(pickle), path), id => TorchGlobals.Storage(id, path)).Load();
    }

    Stream OpenEntry(ZipArchiveEntry entry, string what)
    {
        // torch.save never compresses, so an entry can promise no more than the file has.
        if (entry.CompressedLength != entry.Length) throw new InvalidDataException($"{what} is compressed in {path}; torch.save writes it uncompressed");
        return Guard(entry.Open);
    }

    /// <summary>A damaged archive meets ZipArchive in many ways; here they all are what they are, a broken file.</summary>
    T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException or InvalidDataException or OverflowException)
        {
            throw new InvalidDataException($"{path} is a damaged zip archive: {e.Message}", e);
        }
    }

    public void Dispose() => archive.Dispose();
}
