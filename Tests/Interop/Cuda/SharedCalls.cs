using System.Runtime.InteropServices;
using NUnit.Framework;
using Osprey.Interop.Cuda;
using Osprey.Kernels.Sharing;
using Osprey.Tests.Ptx;

namespace Osprey.Tests.Interop.Cuda;

/// <summary>What the tests of operations in somebody else's context share.</summary>
static class SharedCalls
{
    const nint Foreign = 77;

    public static RecordingDriver H200() => new(132, 1024);

    public static DeviceSpan<T> Span<T>(PtxBuffer<T> buffer)
        where T : unmanaged => new((nint)buffer.Address, buffer.Length);

    /// <summary>A view as a launch passes it.</summary>
    public static byte[] View(nint address, long length) => Bytes<long>(address, length);

    public static byte[] Bytes<T>(params ReadOnlySpan<T> values)
        where T : unmanaged => MemoryMarshal.AsBytes(values).ToArray();

    /// <summary>The memory of this size that the driver gave out.</summary>
    public static nint Scratch(RecordingDriver driver, int bytes) => driver.Allocated.Single(a => a.Value == (nuint)bytes).Key;

    public static int Count(RecordingDriver driver, string call) => driver.Calls.Count(c => c == call);

    /// <summary>Geometry and arguments of a launch, byte for byte; of the last arguments, whose structs have padding, as many bytes as are expected.</summary>
    public static void AssertLaunch(RecordedLaunch launch, string entry, int groups, int groupSize, params ReadOnlySpan<byte[]> parameters)
    {
        Assert.That((launch.Entry, launch.Groups, launch.GroupSize, launch.SharedBytes, launch.Stream), Is.EqualTo((entry, groups, groupSize, 0, (nint)0)));
        Assert.That(launch.Parameters, Has.Count.EqualTo(parameters.Length), entry);
        for (int i = 0; i < parameters.Length; i++) Assert.That(launch.Parameters[i][..parameters[i].Length], Is.EqualTo(parameters[i]), $"{entry}, parameter {i}");
    }

    /// <summary>Refuses each of the driver's calls in turn: the exception has its name, and the context that was current before is current again.</summary>
    public static void AssertContextIsRestored(Action<RecordingDriver, ICudaContext> run, params ReadOnlySpan<string> calls)
    {
        foreach (string call in calls)
        {
            RecordingDriver driver = H200();
            driver.Failing = call;
            driver.Current.Push(Foreign);
            Assert.That(() =>
            {
                using var context = new PrimaryContext(driver, 0);
                run(driver, context);
            }, Throws.InvalidOperationException.With.Message.Contains("cu" + call).And.Message.Contains("status 700"), call);
            Assert.That(driver.Current, Is.EqualTo(new[] { Foreign }), call);
            int pushed = call == nameof(ICudaDriver.CtxPushCurrent) ? 0 : Count(driver, nameof(ICudaDriver.CtxPushCurrent));
            Assert.That(Count(driver, nameof(ICudaDriver.CtxPopCurrent)), Is.EqualTo(pushed), call);
        }
    }
}
