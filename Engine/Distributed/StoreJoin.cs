using System.Security.Cryptography;
using System.Text;
using Osprey.Engine.Retrieval;

namespace Osprey.Engine.Distributed;

/// <summary>The stores of a data set's shares → one store, rows in the order of the shares: the same rows in the same order as of a store made in one go.</summary>
public static class StoreJoin
{
    /// <param name="shares">Folders of all shares' stores, in any order.</param>
    /// <param name="path">The folder of the store to make; one that was interrupted is gone on with.</param>
    /// <param name="progress">In parts.</param>
    /// <param name="cancellation">Looked at before every part.</param>
    /// <exception cref="ArgumentException">A share is missing or there twice, or they are of different models, settings or sets; the message says which.</exception>
    /// <exception cref="InvalidDataException">A share is unfinished or broken, or none of the images could be read.</exception>
    public static DescriptorStore Run(IReadOnlyList<string> shares, string path, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        DescriptorStore[] stores = InOrder(shares);
        StoreManifest first = stores[0].Manifest;
        StoreDescription Common(StoreManifest m) => m with { Shard = first.Shard! with { SetSha256 = m.Shard!.SetSha256 }, Images = 0, ImagesSha256 = "" };
        foreach (DescriptorStore store in stores)
            if (Common(store.Manifest).DifferenceFrom(Common(first)) is { } difference) throw new ArgumentException($"{store.Path} cannot be joined to {stores[0].Path}: {difference}");
        if (stores.All(s => s.Manifest.BadFiles == s.Manifest.Images) && stores.SelectMany(s => s.ReadBadFiles()).FirstOrDefault() is { } bad)
            throw new InvalidDataException($"none of the {stores.Sum(s => s.Manifest.Images)} images can be read; the first, {bad.Path}: {bad.Reason}");

        using var writer = DescriptorStoreWriter.Open(path, first with
        {
            Shard = null,
            Images = stores.Sum(s => s.Manifest.Images),
            // Of the whole set, so that embed takes the store for its own; of shares that do not know it a hash of theirs.
            ImagesSha256 = first.Shard!.SetSha256 ?? Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Concat(stores.Select(s => s.Manifest.ImagesSha256 + "\n"))))),
        });
        (DescriptorStore Store, StorePart Part)[] parts = [.. stores.SelectMany(s => s.Manifest.Parts.Select(p => (s, p)))];
        // What was joined before may be of shares that were made again since.
        if (!writer.Hashes.SequenceEqual(parts.Take(writer.PartsDone).SelectMany(p => p.Part.Files).Select(f => f.Sha256))) writer.Restart();
        for (int i = writer.PartsDone; i < parts.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            writer.AppendCopy(parts[i].Store, parts[i].Part);
            progress?.Report(new Progress("joining", i + 1, parts.Length, "parts"));
        }
        StoreExtraction.WriteBadFiles(path, [.. writer.BadFiles]);
        return writer.Finish();
    }

    static DescriptorStore[] InOrder(IReadOnlyList<string> shares)
    {
        if (shares.Count == 0) throw new ArgumentException("there are no shares to join");
        var stores = new DescriptorStore?[shares.Count];
        foreach (string share in shares)
        {
            DescriptorStore store = DescriptorStore.Open(share);
            if (store.Manifest.Shard is not { } shard) throw new ArgumentException($"{share} is no share: it was made without --shard");
            if (shard.Count != shares.Count) throw new ArgumentException($"{share} is share {shard.Index} of {shard.Count}, and {shares.Count} stores were given; give them all");
            if (stores[shard.Index] is { } other) throw new ArgumentException($"{share} and {other.Path} are the same share, {shard.Index} of {shard.Count}");
            stores[shard.Index] = store;
        }
        return stores!;
    }
}
