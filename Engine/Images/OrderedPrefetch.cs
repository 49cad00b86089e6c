using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Osprey.Engine.Images;

/// <summary>Makes items of numbers, 0, 1, 2 … or others, on several threads, a bounded number ahead of the one who takes them, and hands them out in order.</summary>
sealed class OrderedPrefetch<T> : IDisposable
{
    readonly object gate = new();
    readonly Func<int, T> produce;
    readonly IEnumerator<int> numbers;
    readonly (bool Ready, T? Item, Exception? Failure)[] slots;
    readonly Thread[] workers;
    readonly CancellationToken cancellation;
    readonly CancellationTokenRegistration registration;
    int next, taken;
    bool stopped, ended;

    /// <param name="count">How many items there are.</param>
    /// <param name="ahead">How many may be finished or in work before they are taken.</param>
    /// <param name="threads">Workers, started here and ended by <see cref="Dispose"/>.</param>
    /// <param name="produce">Makes an item; called from many threads. Its exception surfaces where that item is taken.</param>
    /// <param name="cancellation">Stops the workers and makes <see cref="Take"/> throw.</param>
    public OrderedPrefetch(int count, int ahead, int threads, Func<int, T> produce, CancellationToken cancellation)
        : this(Enumerable.Range(0, count), ahead, Math.Min(threads, count), produce, cancellation)
    {
    }

    /// <inheritdoc cref="OrderedPrefetch{T}(int, int, int, Func{int, T}, CancellationToken)"/>
    /// <param name="numbers">Of the items; asked for the next one by one thread at a time, no sooner than it is to be made. Its exception surfaces where the item would be taken, which is then the last.</param>
    public OrderedPrefetch(IEnumerable<int> numbers, int ahead, int threads, Func<int, T> produce, CancellationToken cancellation)
    {
        this.produce = produce;
        this.numbers = numbers.GetEnumerator();
        this.cancellation = cancellation;
        slots = new (bool, T?, Exception?)[ahead];
        // Without a worker nobody would find the end.
        workers = new Thread[Math.Max(1, threads)];
        registration = cancellation.Register(Stop);
        for (int i = 0; i < workers.Length; i++)
        {
            workers[i] = new Thread(Work) { IsBackground = true, Name = "image loader" };
            workers[i].Start();
        }
    }

    /// <summary>The next item in order; to be called once per item, by one thread.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="InvalidOperationException">All are taken.</exception>
    public T Take() => TryTake(out T? item) ? item : throw new InvalidOperationException($"all {taken} items are taken");

    /// <inheritdoc cref="Take"/>
    /// <returns>False where all are taken.</returns>
    public bool TryTake([MaybeNullWhen(false)] out T item)
    {
        lock (gate)
        {
            ref (bool Ready, T? Item, Exception? Failure) slot = ref slots[taken % slots.Length];
            while (!slot.Ready && !stopped && !(ended && taken == next)) Monitor.Wait(gate);
            cancellation.ThrowIfCancellationRequested();
            (bool ready, T? made, Exception? failure) = slot;
            item = made!;
            if (!ready) return false;
            slot = default;
            taken++;
            Monitor.PulseAll(gate);
            if (failure is not null) ExceptionDispatchInfo.Throw(failure);
            return true;
        }
    }

    /// <summary>Ends the workers; what they have in hand is finished first.</summary>
    public void Dispose()
    {
        registration.Dispose();
        Stop();
        foreach (Thread worker in workers) worker.Join();
        numbers.Dispose();
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
        while (NextNumber() is (int index, int number))
        {
            (bool, T?, Exception?) slot;
            try
            {
                slot = (true, produce(number), null);
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

    /// <summary>What is to be made next, and the how many-th it is; null where there is nothing any more.</summary>
    (int Index, int Number)? NextNumber()
    {
        lock (gate)
        {
            while (!stopped && !ended && next >= taken + slots.Length) Monitor.Wait(gate);
            if (stopped || ended) return null;
            try
            {
                if (numbers.MoveNext()) return (next++, numbers.Current);
            }
            catch (Exception e)
            {
                slots[next++ % slots.Length] = (true, default, e);
            }
            ended = true;
            Monitor.PulseAll(gate);
            return null;
        }
    }
}
