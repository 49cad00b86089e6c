using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace Osprey.Kernels.Sharing;

/// <summary>ILGPU as a compiler: a kernel's method to the PTX that a device and its driver take.</summary>
internal sealed class KernelCompiler : IDisposable
{
    /// <summary>The newest architecture whose name ILGPU 1.5.3 knows. PTX for it runs on later ones, too.</summary>
    static readonly CudaArchitecture newest = CudaArchitecture.SM_90;

    readonly Context context;
    readonly PTXBackend backend;

    public KernelCompiler(Context context, CudaTraits traits)
    {
        this.context = context;
        var device = new CudaArchitecture(traits.Major, traits.Minor);
        CudaArchitecture target = device > newest ? newest : device;
        var capabilities = new CudaCapabilityContext(target);
        // ILGPU 1.5.3 writes ".target sm_80" for every later architecture.
        typeof(CudaCapabilityContext).GetProperty(nameof(CudaCapabilityContext.TargetArchitecture))!.SetValue(capabilities, target);
        CudaInstructionSet instructions = CudaAccelerator.GetInstructionSet(target, CudaDriverVersion.FromMajorMinor(traits.DriverVersion / 1000, traits.DriverVersion % 1000 / 10));
        backend = new PTXBackend(context, capabilities, target, instructions, null);
        Device.LeaveOutUniformBranches(context);
    }

    /// <summary>The module's text and the kernel's name in it.</summary>
    public (string Ptx, string Entry) Compile(MethodInfo kernel)
    {
        var compiled = (PTXCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default);
        return (compiled.PTXAssembly, compiled.Name);
    }

    public void Dispose()
    {
        backend.Dispose();
        context.Dispose();
    }
}
