using System.Runtime.InteropServices;
using System.Text.Json;
using Osprey.Interop.Mpi;

namespace Osprey.Engine.Distributed;

/// <summary>What the ranks have worked out apart, brought together on each of them. All ranks call these; a process by itself gets back what it gives.</summary>
/// <exception cref="RankFailedException">Another rank has failed since the ranks last met, inside <see cref="Agreement.Together{T}"/>.</exception>
public static class Exchange
{
    /// <summary>Elements of one broadcast at most: of 8 bytes they are 1 GiB.</summary>
    const int Piece = 1 << 27;

    /// <summary>The values of all ranks, one rank's after the other's.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="own">Any number on each rank, of at most 8 bytes each.</param>
    public static T[] Join<T>(this ICommunicator ranks, T[] own) where T : unmanaged =>
        ranks.Size == 1 ? own : [.. ranks.Collect(own).SelectMany(values => values)];

    /// <inheritdoc cref="Join{T}(ICommunicator, T[])"/>
    /// <param name="own">Anything that JSON carries.</param>
    public static IReadOnlyList<T> JoinRecords<T>(this ICommunicator ranks, IReadOnlyList<T> own) =>
        ranks.Size == 1 ? own : [.. ranks.Collect(JsonSerializer.SerializeToUtf8Bytes(own, Json.Line)).SelectMany(json => JsonSerializer.Deserialize<T[]>(json, Json.Line)!)];

    /// <summary>What each rank has.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="own">What this one has, a whole number.</param>
    internal static double[] Counts(this ICommunicator ranks, long own)
    {
        double[] counts = new double[ranks.Size];
        counts[ranks.Rank] = own;
        ranks.AllReduceSum(counts);
        return counts;
    }

    static T[][] Collect<T>(this ICommunicator ranks, T[] own) where T : unmanaged
    {
        // Whoever has failed says so here, before anybody sends.
        ranks.RunOnAll(() => { });
        T[][] all = [.. ranks.Counts(own.Length).Select((length, rank) => rank == ranks.Rank ? own : new T[(int)length])];
        for (int rank = 0; rank < all.Length; rank++) ranks.Spread(all[rank], rank);
        return all;
    }

    /// <summary>Copies the root's values to every rank, however many bytes they are.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="values">As many on every rank, of at most 8 bytes each.</param>
    /// <param name="root">0 … R−1.</param>
    internal static void Spread<T>(this ICommunicator ranks, T[] values, int root) where T : unmanaged
    {
        for (int at = 0; at < values.Length; at += Math.Min(Piece, values.Length - at))
            ranks.Broadcast(MemoryMarshal.AsBytes(values.AsSpan(at, Math.Min(Piece, values.Length - at))), root);
    }
}
