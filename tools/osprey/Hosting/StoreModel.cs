using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;

namespace Osprey.Tool.Hosting;

/// <summary>The model that a store's images were described with.</summary>
static class StoreModel
{
    /// <param name="store">Says which model, size, scales, turns and precision.</param>
    /// <param name="named">Where it is now; null: where it was when the store was made.</param>
    /// <param name="session">Torch is configured for it.</param>
    /// <param name="from">Where it was found.</param>
    /// <exception cref="InvalidDataException">The store's model is unknown, or the one that is there is another.</exception>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    public static Embedder Open(DescriptorStore store, string? named, Session session, out string from)
    {
        StoreManifest manifest = store.Manifest;
        if (!manifest.HasModel)
            throw new InvalidDataException($"{store.Path} was imported, and the model of its descriptors is unknown; search with --vectors, or import it --like a store of that model");
        from = named ?? manifest.Model;
        if (!Path.Exists(from)) throw new FileNotFoundException($"the model {from} is not there{(named is null ? ", where it was when the store was made" : "")}; name it with --model");

        session.ConfigureTorch();
        Embedder embedder = Embedder.Open(from, session.Device, config => config with
        {
            ImageSize = Preprocessing.Parse(manifest.Preprocessing).ImageSize,
            Scales = manifest.Scales,
            Turns = manifest.Turns,
            Precision = manifest.Precision,
        });
        embedder.Fold();
        if (manifest.DifferencesFrom(embedder) is not { Count: > 0 } differences) return embedder;
        using (embedder) throw new InvalidDataException($"{from} is not the model that {store.Path} was made with: {string.Join(", ", differences)}; name the right one with --model, or embed again");
    }
}
