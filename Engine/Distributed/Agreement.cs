using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
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

    /// <summary>Compares what each rank was given with what rank 0 was. Where one differs all throw, and none goes on.</summary>
    /// <param name="ranks">The processes; all call it.</param>
    /// <param name="own">Anything that JSON carries; a process by itself is not asked for it.</param>
    /// <param name="otherwise">What would come of it, such as <c>the ranks would measure different things</c>.</param>
    /// <param name="remedy">What to do; empty where the differences say it.</param>
    /// <exception cref="RankFailedException">A rank has something else; the message says what.</exception>
    public static void EnsureAlike<T>(this ICommunicator ranks, Func<T> own, string otherwise, string remedy = "")
    {
        if (ranks.Size == 1) return;
        byte[] here = ranks.RunOnAll(() => JsonSerializer.SerializeToUtf8Bytes(own(), Json.Options)), first = ranks.BroadcastBytes(here);
        ranks.RunOnAll(() =>
        {
            IReadOnlyList<string> differences = JsonDifferences.Between(JsonNode.Parse(first), JsonNode.Parse(here), "on rank 0", "here");
            if (differences.Count > 0) throw new ArgumentException($"{otherwise}: {string.Join("; ", differences)}{(remedy.Length > 0 ? $"; {remedy}" : "")}");
        });
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
