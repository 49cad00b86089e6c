using System.Reflection;
using ILGPU.Runtime.Cuda;
using NUnit.Framework;

namespace Osprey.Tests.Ptx;

[TestFixture]
public class PtxInterpreterTests
{
    static IEnumerable<TestCaseData> Kernels => MarkedKernels.All.Select(kernel => new TestCaseData(kernel).SetArgDisplayNames(MarkedKernels.Name(kernel)));

    [TestCaseSource(nameof(Kernels))]
    public void It_knows_every_instruction_of(MethodInfo kernel)
    {
        Assert.That(() => PtxKernel.Of(kernel, CudaArchitecture.SM_80), Throws.Nothing);
        Assert.That(() => PtxKernel.Of(kernel, CudaArchitecture.SM_90), Throws.Nothing);
    }
}
