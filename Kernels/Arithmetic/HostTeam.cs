namespace Osprey.Kernels.Arithmetic;

/// <summary>
/// Runs the chunks of one operation on up to a given number of threads: the caller and helpers (<see cref="HostHelper"/>). Chunks are claimed one by
/// one, so which thread runs which is open: a chunk writes only what is its own. Nothing is allocated per run once the helpers are there, and where
/// other runs hold them all the caller does more itself. One run at a time.
/// </summary>
internal sealed class HostTeam(int threads)
{
    readonly HostHelper[] called = new HostHelper[Math.Max(0, threads - 1)];
    Action<int>? work;
    int chunks, next, pending;
    Exception? failure;

    public void Run(Action<int> chunk, int count)
    {
        int wanted = Math.Min(threads, count) - 1;
        if (wanted <= 0)
        {
            for (int i = 0; i < count; i++) chunk(i);
            return;
        }
        work = chunk;
        chunks = count;
        failure = null;
        next = 0;
        pending = wanted;
        int helpers = 0;
        while (helpers < wanted && HostHelper.TryTake(wanted) is { } helper)
        {
            called[helpers++] = helper;
            helper.Call(this);
        }
        Interlocked.Add(ref pending, helpers - wanted);
        Claim();
        // One that has not come yet need not come; one that has is waited for.
        for (int i = 0; i < helpers; i++)
            if (called[i].Recall(this)) Interlocked.Decrement(ref pending);
        var wait = new SpinWait();
        while (Volatile.Read(ref pending) > 0) wait.SpinOnce(sleep1Threshold: -1);
        work = null;
        if (failure is not null) throw new InvalidOperationException("a chunk of the work failed: " + failure.Message, failure);
    }

    /// <summary>Runs chunks until none is left. For helpers and the caller alike.</summary>
    internal void Claim()
    {
        try
        {
            int i;
            while ((i = Interlocked.Increment(ref next) - 1) < chunks) work!(i);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Kept for the caller: thrown on a helper's thread it would end the process.
            failure = e;
        }
    }

    /// <summary>A helper's last word in this run: afterwards the caller may go on.</summary>
    internal void Leave() => Interlocked.Decrement(ref pending);
}
