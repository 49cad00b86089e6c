using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Osprey.Engine.Retrieval;

/// <summary>
/// <c>parts.jsonl</c> of a store that is being written: the parts that were finished since its manifest was, one a line. A store of a hundred thousand parts would otherwise write
/// the names of all of them anew after each. Several processes that write one store have one each, of rank 1 <c>parts.1.jsonl</c>.
/// </summary>
/// <param name="folder">The store's.</param>
/// <param name="rank">The process's.</param>
sealed class PartJournal(string folder, int rank) : IDisposable
{
    const string Pattern = "parts*.jsonl";

    FileStream? file;

    /// <summary>Flushed to the disk: from then on the part belongs to the store.</summary>
    public void Append(StorePart part)
    {
        file ??= new FileStream(Path.Combine(folder, NameOf(rank)), FileMode.Create, FileAccess.Write, FileShare.Read);
        file.Write(JsonSerializer.SerializeToUtf8Bytes(part, Json.Line));
        file.WriteByte((byte)'\n');
        file.Flush(flushToDisk: true);
    }

    /// <summary>Begins anew, and so for all ranks; to be called when a manifest names every part.</summary>
    public void Clear()
    {
        Dispose();
        foreach (string journal in Directory.EnumerateFiles(folder, Pattern)) File.Delete(journal);
    }

    /// <summary>The manifest of an unfinished store with the parts that its journals add, in the order of their numbers.</summary>
    /// <remarks>A line counts where no part of its number is there yet: a crash between a new manifest and the journal's end leaves some twice. A line that a crash cut short ends its journal.</remarks>
    public static StoreManifest Extend(StoreManifest manifest, string folder)
    {
        var parts = new SortedDictionary<int, StorePart>();
        foreach (StorePart part in manifest.Parts.Concat(Directory.EnumerateFiles(folder, Pattern).Order(StringComparer.Ordinal).SelectMany(Read)))
            if (part.Number >= 0) parts.TryAdd(part.Number, part);
        return parts.Count == manifest.Parts.Count ? manifest : manifest.With([.. parts.Values], complete: false);
    }

    static string NameOf(int rank) => rank == 0 ? "parts.jsonl" : string.Create(CultureInfo.InvariantCulture, $"parts.{rank}.jsonl");

    static IEnumerable<StorePart> Read(string path)
    {
        using var lines = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), Encoding.UTF8);
        while (lines.ReadLine() is { } line)
        {
            StorePart? part = null;
            try
            {
                part = JsonSerializer.Deserialize<StorePart>(line, Json.Line);
            }
            catch (JsonException)
            {
            }
            if (part is null) yield break;
            yield return part;
        }
    }

    public void Dispose()
    {
        file?.Dispose();
        file = null;
    }
}
