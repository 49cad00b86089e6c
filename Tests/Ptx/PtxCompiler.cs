using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Ptx;

/// <summary>ILGPU as a compiler from a kernel to PTX text, set up as on a device, without one.</summary>
static class PtxCompiler
{
    /// <summary>The toolkit whose PTX is written: that of ptxas where there is one, since it refuses what is newer than itself.</summary>
    static CudaDriverVersion Toolkit => Ptxas.Found is { } ptxas ? CudaDriverVersion.FromMajorMinor(ptxas.Release.Major, ptxas.Release.Minor) : CudaDriverVersion.FromMajorMinor(11, 8);

    public static string Target(CudaArchitecture architecture) => $"sm_{architecture.Major}{architecture.Minor}";

    public static string Compile(MethodInfo kernel, CudaArchitecture architecture)
    {
        var capabilities = new CudaCapabilityContext(architecture);
        // ILGPU 1.5.3 writes ".target sm_80" for every later architecture; on a real device the driver's own capabilities say better.
        typeof(CudaCapabilityContext).GetProperty(nameof(CudaCapabilityContext.TargetArchitecture))!.SetValue(capabilities, architecture);
        CudaInstructionSet isa = CudaAccelerator.GetInstructionSet(architecture, Toolkit);
        using Context context = Context.Create(b => Device.Configure(b));
        using var backend = new PTXBackend(context, capabilities, architecture, isa, null);
        Device.LeaveOutUniformBranches(context);
        var compiled = (PTXCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default);
        return compiled.PTXAssembly;
    }
}
