using System.Runtime.ExceptionServices;

namespace Osprey.Engine.Images;

/// <summary>Makes items 0, 1, 2 … on several threads, a bounded number ahead of the one who takes them, and hands them out in order.</summary>
sealed class OrderedPrefetch<T> : IDisposable
{
    readonly object gate = new();
    readonly Func<int, T> produce;
    readonly int count;
    readonly (bool Ready, T? Item, Exception? Failure)[] slots;
    readonly Thread[] workers;
    readonly CancellationToken cancellation;
    readonly CancellationTokenRegistration registration;
    int next, taken;
    bool stopped;

    /// <param name="count">How many items there are.</param>
    /// <param name="ahead">How many may be finished or in work before they are taken.</param>
    /// <param name="threads">Workers, started here and ended by <see cref="Dispose"/>.</param>
    /// <param name="produce">Makes an item; called from many threads. Its exception surfaces where that item is taken.</param>
    /// <param name="cancellation">Stops the workers and makes <see cref="Take"/> throw.</param>
    public OrderedPrefetch(int count, int ahead, int threads, Func<int, T> produce, CancellationToken cancellation)
    {
        this.produce = produce;
        this.count = count;
        this.cancellation = cancellation;
        slots = new (bool, T?, Exception?)[ahead];
        registration = cancellation.Register(Stop);
        workers = new Thread[Math.Min(threads, count)];
        for (int i = 0; i < workers.Length; i++)
        {
            workers[i] = new Thread(Work) { IsBackground = true, Name = "image loader" };
            workers[i].Start();
        }
    }

    /// <summary>The next item in order; to be called once per item, by one thread.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public T Take()
    {
        lock (gate)
        {
            ref (bool Ready, T? Item, Exception? Failure) slot = ref slots[taken % slots.Length];
            while (!slot.Ready && !stopped) Monitor.Wait(gate);
            cancellation.ThrowIfCancellationRequested();
            (bool _, T? item, Exception? failure) = slot;
            slot = default;
            taken++;
            Monitor.PulseAll(gate);
            if (failure is not null) ExceptionDispatchInfo.Throw(failure);
            return item!;
        }
    }

    /// <summary>Ends the workers; what they have in hand is finished first.</summary>
    public void Dispose()
    {
        registration.Dispose();
        Stop();
        foreach (Thread worker in workers) worker.Join();
    }

    void Stop()
    {
        lock (gate)
        {
            stopped = true;
            Monitor.PulseAll(gate);
        }
    }

    void Work()
    {
        while (true)
        {
            int index;
            lock (gate)
            {
                while (!stopped && next < count && next >= taken + slots.Length) Monitor.Wait(gate);
                if (stopped || next >= count) return;
                index = next++;
            }
            (bool, T?, Exception?) slot;
            try
            {
                slot = (true, produce(index), null);
            }
            catch (Exception e)
            {
                slot = (true, default, e);
            }
            lock (gate)
            {
                slots[index % slots.Length] = slot;
                Monitor.PulseAll(gate);
            }
        }
    }
}
