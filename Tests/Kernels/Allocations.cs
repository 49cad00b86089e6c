namespace Osprey.Tests.Kernels;

static class Allocations
{
    /// <summary>Bytes that this thread allocates in a hundred calls.</summary>
    public static long OfHundred(Action call)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) call();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
