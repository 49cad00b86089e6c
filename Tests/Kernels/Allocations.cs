using System.Runtime;
using NUnit.Framework;

namespace Osprey.Tests.Kernels;

static class Allocations
{
    const int Calls = 100, MostWindows = 20;

    /// <summary>
    /// Asserts that a hundred calls allocate nothing on this thread, once they are warm. They are not warm, and a hundred others follow, where the runtime
    /// compiled a method on this thread meanwhile (a loop replaced while it runs, a path first taken): the compiler's own objects count as the thread's.
    /// One call may allocate beside that, once: in a run of all tests the runtime has been seen to, at 56 to 312 bytes. A second time is a failure.
    /// </summary>
    public static void AssertNoneOnceWarm(Action call)
    {
        for (int i = 0; i < Calls; i++) call();
        long[] bytes = new long[Calls];
        bool forgiven = false;
        for (int window = 1; ; window++)
        {
            long compiled = JitInfo.GetCompiledMethodCount(currentThread: true);
            for (int i = 0; i < Calls; i++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                call();
                bytes[i] = GC.GetAllocatedBytesForCurrentThread() - before;
            }
            int dirty = bytes.Count(b => b != 0);
            if (dirty == 0) return;
            if (JitInfo.GetCompiledMethodCount(currentThread: true) == compiled)
            {
                if (dirty > 1 || forgiven) Assert.Fail($"calls that allocated, with nothing compiled meanwhile, in window {window}: {string.Join(", ", bytes.Index().Where(b => b.Item != 0))}");
                forgiven = true;
            }
            if (window == MostWindows) Assert.Fail($"methods are still compiled after {window * Calls} calls");
        }
    }
}
