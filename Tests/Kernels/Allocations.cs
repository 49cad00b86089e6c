namespace Osprey.Tests.Kernels;

static class Allocations
{
    /// <summary>
    /// Bytes that this thread allocates in twenty calls, the least of five tries: what is allocated per call shows in each,
    /// while the thread pool's own queue grows by a segment now and then.
    /// </summary>
    public static long OfTwenty(Action call)
    {
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 20; i++) call();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }
}
