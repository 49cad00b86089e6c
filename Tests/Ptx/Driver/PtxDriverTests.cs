using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using NUnit.Framework;
using Osprey.Kernels;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Ptx.Driver;

[TestFixture]
public class PtxDriverTests
{
    [SetUp]
    public void Needs_the_driver()
    {
        if (!TestDevices.Names.Contains("ptx")) Assert.Ignore("skipped: the interpreter's driver is for Linux on x86-64, and not beside a real one");
    }

    [Test]
    public void There_is_a_device_only_while_it_is_attached()
    {
        Assert.That(Device.CudaCount(), Is.Zero);
        using Device device = TestDevices.Open("ptx");
        Assert.That((device.Kind, device.Name), Is.EqualTo((DeviceKind.Cuda, "PTX interpreter")));
        Assert.That(Device.CudaCount(), Is.Zero);
    }

    static void AddIndex(ArrayView<int> values, int start)
    {
        int i = Grid.IdxX * Group.DimX + Group.IdxX;
        values[i] += start + i;
    }

    [Test]
    public void Buffers_and_launches_go_through_it()
    {
        using Device device = TestDevices.Open("ptx");
        Accelerator accelerator = device.Accelerator!;
        Action<KernelConfig, ArrayView<int>, int> kernel = accelerator.LoadStreamKernel<ArrayView<int>, int>(AddIndex);
        using MemoryBuffer1D<int, Stride1D.Dense> a = accelerator.Allocate1D([.. Enumerable.Range(0, 96)]), b = accelerator.Allocate1D<int>(96);
        b.CopyFrom(a);
        int launches = PtxDriver.Launches;
        kernel(new KernelConfig(3, 32), b.View, 1000);
        Assert.That(PtxDriver.Launches, Is.EqualTo(launches + 1));
        Assert.That(b.GetAsArray1D(), Is.EqualTo(Enumerable.Range(0, 96).Select(i => 1000 + 2 * i)));
        b.MemSetToZero();
        Assert.That(b.GetAsArray1D(), Is.All.Zero);
    }

    [Test]
    public void A_mistake_in_a_kernel_is_an_error_that_names_its_line()
    {
        using Device device = TestDevices.Open("ptx");
        Accelerator accelerator = device.Accelerator!;
        Action<KernelConfig, ArrayView<int>, int> kernel = accelerator.LoadStreamKernel<ArrayView<int>, int>(AddIndex);
        using MemoryBuffer1D<int, Stride1D.Dense> written = accelerator.Allocate1D(new int[95]), unwritten = accelerator.Allocate1D<int>(96);
        Assert.That(() => kernel(new KernelConfig(3, 32), written.View, 0), Throws.InstanceOf<CudaException>().With.Message.Contains("outside its 380").And.Message.Contains("ld.global"));
        Assert.That(() => kernel(new KernelConfig(3, 32), unwritten.View, 0), Throws.InstanceOf<CudaException>().With.Message.Contains("before it is written"));
    }
}
