using Osprey.Engine.Retrieval;

namespace Osprey.Engine.Interchange;

/// <summary>N descriptors in order, of a store or of an index file, a block at a time; with what is known of each where a store says it.</summary>
public sealed class DescriptorSource : IDisposable
{
    readonly DescriptorStore? store;
    readonly IndexContent? index;

    DescriptorSource(DescriptorStore? store, IndexContent? index)
    {
        this.store = store;
        this.index = index;
    }

    /// <summary>N.</summary>
    public long Rows => index?.Meta.Rows ?? store!.Rows;

    /// <summary>D.</summary>
    public int Dimension => index?.Meta.Dimension ?? store!.Dimension;

    /// <summary>Of an index; null for a store, which has none of its own.</summary>
    public Metric? Metric => index?.Meta.Metric;

    /// <summary>How the values lie on disk.</summary>
    public StoreType Type => index is null ? store!.Manifest.Type : StoreType.Float32;

    /// <param name="path">A store's folder, or an index file. Of an index that lies in its store's folder, the store's rows are known.</param>
    /// <exception cref="DirectoryNotFoundException">Neither is there.</exception>
    /// <exception cref="InvalidDataException">It is broken; the message says how.</exception>
    public static DescriptorSource Open(string path)
    {
        if (!File.Exists(path)) return new DescriptorSource(DescriptorStore.Open(path), null);
        IndexContent content = IndexFile.Open(path);
        try
        {
            string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            DescriptorStore? beside = DescriptorStore.Exists(folder) ? DescriptorStore.Open(folder) : null;
            return new DescriptorSource(beside?.Sha256 == content.Meta.StoreSha256 ? beside : null, content);
        }
        catch
        {
            content.Map.Dispose();
            throw;
        }
    }

    /// <summary>All descriptors, in blocks of whole rows [rows, D]. A block of an index is not to be used once this is disposed.</summary>
    public IEnumerable<ReadOnlyMemory<float>> ReadBlocks()
    {
        if (index is not null)
        {
            foreach (IndexBlock block in index.Blocks) yield return block.Values;
            yield break;
        }
        for (int p = 0; p < store!.Manifest.Parts.Count; p++) yield return store.ReadPart(p);
    }

    /// <summary>What each row is of; null where only an index is there.</summary>
    public StoreRow[]? ReadRows() => store?.ReadRows();

    public void Dispose() => index?.Map.Dispose();
}
