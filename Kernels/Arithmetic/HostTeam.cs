namespace Osprey.Kernels.Arithmetic;

/// <summary>
/// Runs the chunks of one operation on up to a given number of threads: the caller and helpers from the thread pool. Chunks are claimed one by
/// one, so which thread runs which is open: a chunk writes only what is its own. Nothing is allocated per run, and a full pool only means
/// that the caller does more itself. One run at a time.
/// </summary>
internal sealed class HostTeam(int threads) : IThreadPoolWorkItem
{
    Action<int>? work;
    int chunks, next, inside;
    volatile bool open;
    Exception? failure;

    public void Run(Action<int> chunk, int count)
    {
        int helpers = Math.Min(threads, count) - 1;
        if (helpers <= 0)
        {
            for (int i = 0; i < count; i++) chunk(i);
            return;
        }
        work = chunk;
        chunks = count;
        failure = null;
        Volatile.Write(ref next, 0);
        open = true;
        for (int i = 0; i < helpers; i++) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        Claim();
        // A helper that comes after this line finds the door closed; one that is inside has counted itself and is waited for.
        open = false;
        var wait = new SpinWait();
        Interlocked.MemoryBarrier();
        while (Volatile.Read(ref inside) > 0) wait.SpinOnce();
        work = null;
        if (failure is not null) throw new InvalidOperationException("a chunk of the work failed: " + failure.Message, failure);
    }

    void IThreadPoolWorkItem.Execute()
    {
        Interlocked.Increment(ref inside);
        if (open) Claim();
        Interlocked.Decrement(ref inside);
    }

    void Claim()
    {
        try
        {
            int i;
            while ((i = Interlocked.Increment(ref next) - 1) < chunks) work!(i);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Kept for the caller: thrown on a pool thread it would end the process.
            failure = e;
        }
    }
}
