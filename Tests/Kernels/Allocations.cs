namespace Osprey.Tests.Kernels;

static class Allocations
{
    /// <summary>
    /// Bytes that this thread allocates in a hundred calls, after a hundred others: a loop that the runtime replaces while it runs is compiled by the
    /// thread that runs it, literals and all.
    /// </summary>
    public static long OfHundred(Action call)
    {
        for (int i = 0; i < 100; i++) call();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) call();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
