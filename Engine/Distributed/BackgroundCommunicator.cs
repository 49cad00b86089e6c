using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Osprey.Interop.Mpi;

namespace Osprey.Engine.Distributed;

/// <summary>
/// A communicator that can also be left to work by itself: what is begun is done on a thread of its own, one after the other in the order it was begun in, and every
/// other call waits for that. So each rank's calls keep one order, and none are made at the same time.
/// </summary>
/// <param name="ranks">The processes; the caller's. Not to be called but through this one.</param>
public sealed class BackgroundCommunicator(ICommunicator ranks) : ICommunicator
{
    readonly BlockingCollection<Action<ICommunicator>> begun = [];
    readonly object gate = new();
    Thread? worker;
    int pending;
    Exception? failure;

    /// <inheritdoc/>
    public int Rank => ranks.Rank;

    /// <inheritdoc/>
    public int Size => ranks.Size;

    /// <summary>Leaves calls of the communicator to the thread. An exception of theirs surfaces in the next call that waits.</summary>
    public void Begin(Action<ICommunicator> calls)
    {
        lock (gate) pending++;
        if (worker is null)
        {
            worker = new Thread(Work) { IsBackground = true, Name = "communication" };
            worker.Start();
        }
        begun.Add(calls);
    }

    /// <summary>Waits for all that was begun.</summary>
    public void Wait()
    {
        lock (gate)
        {
            while (pending > 0) Monitor.Wait(gate);
            if (failure is { } thrown) ExceptionDispatchInfo.Throw(thrown);
        }
    }

    void Work()
    {
        foreach (Action<ICommunicator> calls in begun.GetConsumingEnumerable())
        {
            Exception? thrown = null;
            try
            {
                // After a failure the ranks are out of step.
                if (failure is null) calls(ranks);
            }
#pragma warning disable CA1031 // Kept for the one who waits: thrown here it would end the process.
            catch (Exception e)
#pragma warning restore CA1031
            {
                thrown = e;
            }
            lock (gate)
            {
                failure ??= thrown;
                pending--;
                Monitor.PulseAll(gate);
            }
        }
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        Wait();
        ranks.Barrier();
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> data, int root)
    {
        Wait();
        ranks.Broadcast(data, root);
    }

    /// <inheritdoc/>
    public void AllReduceSum(Span<float> values)
    {
        Wait();
        ranks.AllReduceSum(values);
    }

    /// <inheritdoc/>
    public void AllReduceSum(Span<double> values)
    {
        Wait();
        ranks.AllReduceSum(values);
    }

    /// <inheritdoc/>
    public byte[][] Gather(ReadOnlySpan<byte> data, int root)
    {
        Wait();
        return ranks.Gather(data, root);
    }

    /// <inheritdoc/>
    public void Abort(int exitCode) => ranks.Abort(exitCode);

    /// <summary>Ends the thread once it has done what was begun; the communicator stays open.</summary>
    public void Dispose()
    {
        begun.CompleteAdding();
        worker?.Join();
        begun.Dispose();
    }
}
