using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Osprey.Kernels.Arithmetic;

/// <summary>
/// A thread that helps whichever <see cref="HostTeam"/> calls it. Helpers belong to the process and not to a team: there are as many as the largest
/// team has asked for, however many kernels there are. One that waits stays awake for 20 µs, since operations often follow one another closely, and
/// then sleeps. None keeps the process alive.
/// </summary>
/// <remarks>
/// Not the thread pool: its queue and its threads are allocated by whoever queues, whenever the pool lags behind or has let its threads go, so that
/// a warm kernel would allocate now and then.
/// </remarks>
internal sealed class HostHelper
{
    static readonly long awake = Stopwatch.Frequency / 50_000;
    static readonly Stack<HostHelper> idle = new();
    static int count;

    readonly object sleep = new();
    HostTeam? job;
    bool asleep;

    HostHelper() => new Thread(Work) { IsBackground = true, Name = "osprey helper" }.UnsafeStart();

    /// <summary>An idle helper, or a new one while there are fewer than <paramref name="atMost"/>, or null.</summary>
    public static HostHelper? TryTake(int atMost)
    {
        lock (idle)
        {
            if (idle.TryPop(out HostHelper? helper)) return helper;
            if (count >= atMost) return null;
            idle.EnsureCapacity(++count);
            return new HostHelper();
        }
    }

    /// <summary>Only whoever took it may call it, and once.</summary>
    public void Call(HostTeam team)
    {
        Interlocked.Exchange(ref job, team);
        if (!Volatile.Read(ref asleep)) return;
        lock (sleep) Monitor.Pulse(sleep);
    }

    /// <summary>True: it had not yet begun, and is idle again. False: it has begun, and leaves by itself.</summary>
    public bool Recall(HostTeam team)
    {
        if (Interlocked.CompareExchange(ref job, null, team) != team) return false;
        Release();
        return true;
    }

    void Release()
    {
        lock (idle) idle.Push(this);
    }

    void Work()
    {
        while (true)
        {
            HostTeam? team = Interlocked.Exchange(ref job, null);
            if (team is null)
            {
                Wait();
                continue;
            }
            team.Claim();
            // Idle before the caller goes on: its next run finds this helper.
            Release();
            team.Leave();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Wait()
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetTimestamp() - start < awake)
        {
            if (Volatile.Read(ref job) is not null) return;
            Thread.SpinWait(8);
        }
        lock (sleep)
        {
            // Who calls writes the job and then looks whether this sleeps; this says so and then looks for a job. One of them sees the other.
            Volatile.Write(ref asleep, true);
            Interlocked.MemoryBarrier();
            while (Volatile.Read(ref job) is null) Monitor.Wait(sleep);
            Volatile.Write(ref asleep, false);
        }
    }
}
