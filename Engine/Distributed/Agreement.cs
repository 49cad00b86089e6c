using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using Osprey.Interop.Mpi;

namespace Osprey.Engine.Distributed;

/// <summary>Work that may fail on one rank while the others would wait for it.</summary>
public static class Agreement
{
    const byte Failed = 0, WrongUsage = 1, Cancelled = 2;

    /// <summary>Runs <paramref name="work"/> on every rank; if it fails on one, all throw. The work itself calls no other rank.</summary>
    /// <exception cref="RankFailedException">It failed on some rank; the message is the lowest one's, and says which unless it is rank 0.</exception>
    public static T RunOnAll<T>(this ICommunicator ranks, Func<T> work)
    {
        if (ranks.Size == 1) return work();
        T? result = default;
        byte[] failure = [];
        Exception? own = null;
        try
        {
            result = work();
        }
#pragma warning disable CA1031 // Whatever it is, the other ranks wait to hear of it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            own = e;
            failure = [KindOf(e), .. Encoding.UTF8.GetBytes((ranks.Rank == 0 ? "" : $"rank {ranks.Rank}: ") + e.Message)];
        }
        byte[] first = ranks.Gather(failure, 0).FirstOrDefault(f => f.Length > 0) ?? [];
        first = ranks.BroadcastBytes(first);
        if (first.Length == 0) return result!;
        string message = Encoding.UTF8.GetString(first.AsSpan(1));
        throw new RankFailedException(first[0] switch
        {
            WrongUsage => new ArgumentException(message, own),
            Cancelled => new OperationCanceledException(message, own),
            _ => new InvalidOperationException(message, own),
        });
    }

    /// <inheritdoc cref="RunOnAll{T}"/>
    public static void RunOnAll(this ICommunicator ranks, Action work) => ranks.RunOnAll(() =>
    {
        work();
        return true;
    });

    /// <summary>
    /// Runs on every rank work in which the ranks meet only by <see cref="RunOnAll{T}"/> and by <see cref="Exchange"/>. What fails on a rank in between, the others
    /// hear of when they next meet, at the latest at the end.
    /// </summary>
    /// <exception cref="RankFailedException">As of <see cref="RunOnAll{T}"/>.</exception>
    public static T Together<T>(this ICommunicator ranks, Func<T> work)
    {
        if (ranks.Size == 1) return work();
        try
        {
            T result = work();
            ranks.RunOnAll(() => { });
            return result;
        }
        catch (Exception e) when (e is not RankFailedException)
        {
            return ranks.RunOnAll<T>(() => throw Rethrown(e));
        }

        static Exception Rethrown(Exception e)
        {
            ExceptionDispatchInfo.Throw(e);
            return e;
        }
    }

    /// <summary>Copies rank 0's bytes, however many, to every rank.</summary>
    public static byte[] BroadcastBytes(this ICommunicator ranks, byte[] data)
    {
        long[] length = [data.Length];
        ranks.Broadcast(MemoryMarshal.AsBytes(length.AsSpan()), 0);
        byte[] all = ranks.Rank == 0 ? data : new byte[length[0]];
        ranks.Broadcast(all, 0);
        return all;
    }

    static byte KindOf(Exception e) => e switch
    {
        AggregateException { InnerException: Exception inner } => KindOf(inner),
        OperationCanceledException => Cancelled,
        ArgumentException => WrongUsage,
        _ => Failed,
    };
}
