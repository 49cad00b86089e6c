using System.Text;
using System.Text.Json;

namespace Osprey.Engine.Retrieval;

/// <summary>
/// <c>parts.jsonl</c> of a store that is being written: the parts that were finished since its manifest was, one a line. A store of a hundred thousand parts would otherwise write
/// the names of all of them anew after each.
/// </summary>
/// <param name="folder">The store's.</param>
sealed class PartJournal(string folder) : IDisposable
{
    internal const string Name = "parts.jsonl";

    FileStream? file;

    /// <summary>Flushed to the disk: from then on the part belongs to the store.</summary>
    public void Append(StorePart part)
    {
        file ??= new FileStream(Path.Combine(folder, Name), FileMode.Create, FileAccess.Write, FileShare.Read);
        file.Write(JsonSerializer.SerializeToUtf8Bytes(part, Json.Line));
        file.WriteByte((byte)'\n');
        file.Flush(flushToDisk: true);
    }

    /// <summary>Begins anew; to be called when a manifest names every part.</summary>
    public void Clear()
    {
        Dispose();
        File.Delete(Path.Combine(folder, Name));
    }

    /// <summary>The manifest of an unfinished store with the parts that its journal adds.</summary>
    /// <remarks>A line counts if it names the part that comes next: what a crash left between a new manifest and the journal's end is there already. A line that a crash cut short ends the list.</remarks>
    public static StoreManifest Extend(StoreManifest manifest, string folder)
    {
        var parts = manifest.Parts.ToList();
        foreach (StorePart part in Read(Path.Combine(folder, Name)))
            if (part.Descriptors == part.Named(StorePart.StemOf(parts.Count, null)).Descriptors) parts.Add(part);
        return parts.Count == manifest.Parts.Count ? manifest : manifest.With(parts, complete: false);
    }

    static IEnumerable<StorePart> Read(string path)
    {
        if (!File.Exists(path)) yield break;
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
