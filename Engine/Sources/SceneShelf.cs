using Osprey.Engine.Images;

namespace Osprey.Engine.Sources;

/// <summary>Scenes that are open: those being read, and a few read last. Safe for many threads.</summary>
/// <param name="options">How they are read.</param>
sealed class SceneShelf(DecodeOptions options) : IDisposable
{
    const int MostIdle = 4;

    readonly object gate = new();
    readonly Dictionary<string, Shelved> open = new(StringComparer.Ordinal);
    readonly SegmentCache cache = new(TiffScene.CacheBytes);
    long clock;

    sealed class Shelved(TiffScene scene)
    {
        public TiffScene Scene { get; } = scene;

        public int Readers { get; set; }

        public long Used { get; set; }
    }

    /// <summary>Calls <paramref name="read"/> with the scene, opened if it is not.</summary>
    public T Read<T>(string path, Func<TiffScene, T> read)
    {
        Shelved shelved;
        lock (gate)
        {
            if (!open.TryGetValue(path, out shelved!)) open[path] = shelved = new Shelved(TiffScene.Open(path, options, cache));
            shelved.Readers++;
        }
        try
        {
            return read(shelved.Scene);
        }
        finally
        {
            lock (gate)
            {
                shelved.Readers--;
                shelved.Used = ++clock;
                CloseOldest();
            }
        }
    }

    void CloseOldest()
    {
        foreach ((string path, Shelved old) in open.Where(o => o.Value.Readers == 0).OrderByDescending(o => o.Value.Used).Skip(MostIdle).ToList())
        {
            open.Remove(path);
            old.Scene.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (Shelved shelved in open.Values) shelved.Scene.Dispose();
        open.Clear();
    }
}
