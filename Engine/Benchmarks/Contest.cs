namespace Osprey.Engine.Benchmarks;

/// <summary>One operation on data of its own, with what a user would take instead beside it. Made ready in the constructor; one call at a time.</summary>
public abstract class Contest : IDisposable
{
    /// <summary>Bytes that one call must read at least.</summary>
    public abstract double BytesRead { get; }

    /// <summary>Bytes that one call must write at least.</summary>
    public abstract double BytesWritten { get; }

    /// <summary>Multiplications and additions of the definition; 0 where bytes alone bind it.</summary>
    public virtual double Operations => 0;

    /// <summary>Memory of an index over that of its rows in float32; null where there is no index.</summary>
    public virtual double? IndexMemory => null;

    /// <summary>At least one.</summary>
    public abstract IReadOnlyList<Peer> Peers { get; }

    /// <summary>One call of our operation, its result left where <see cref="MaxError"/> looks.</summary>
    public abstract void Ours();

    /// <summary>Runs ours once and compares it with 64-bit arithmetic: the largest difference relative to the largest value; null where there is nothing to compare.</summary>
    public abstract double? MaxError();

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
