using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

namespace Osprey.Kernels;

public enum DeviceKind
{
    /// <summary>This process's cores, with SIMD.</summary>
    Host,

    /// <summary>An NVIDIA GPU, through ILGPU.</summary>
    Cuda,

    /// <summary>The CUDA kernels run by ILGPU on the CPU: for correctness tests only, thousands of times slower.</summary>
    Simulator,
}

/// <summary>Where kernels run. Owns the accelerator, if there is one; kernels made on a device are disposed before it.</summary>
public sealed class Device : IDisposable
{
    readonly Context? context;

    Device(DeviceKind kind, string name, int threads, Context? context, Accelerator? accelerator)
    {
        Kind = kind;
        Name = name;
        Threads = threads;
        this.context = context;
        Accelerator = accelerator;
    }

    public DeviceKind Kind { get; }

    public string Name { get; }

    /// <summary>Host threads a kernel may use, at least 1.</summary>
    public int Threads { get; }

    internal Accelerator? Accelerator { get; }

    /// <summary>Opens the device that <paramref name="spec"/> names: <c>auto</c>, <c>host</c>, <c>cuda</c>, <c>cuda:N</c> or <c>simulator</c>.</summary>
    /// <param name="spec"><c>auto</c> takes the first CUDA device where there is one and the host otherwise.</param>
    /// <param name="threads">Host threads; 0 means one per core.</param>
    /// <exception cref="ArgumentException">The name is none of these, or <paramref name="threads"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The device is not there.</exception>
    public static Device Open(string spec, int threads = 0)
    {
        if (threads < 0) throw new ArgumentException($"threads is {threads}; give 0 (one per core) or more");
        if (threads == 0) threads = Environment.ProcessorCount;
        return spec switch
        {
            "host" => new Device(DeviceKind.Host, "host", threads, null, null),
            "auto" => CudaCount() > 0 ? OpenCuda(0, threads) : Open("host", threads),
            "cuda" => OpenCuda(0, threads),
            "simulator" => OpenSimulator(threads),
            _ when spec.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(spec.AsSpan(5), out int ordinal) && ordinal >= 0
                => OpenCuda(ordinal, threads),
            _ => throw new ArgumentException($"unknown device '{spec}'; give auto, host, cuda, cuda:N or simulator"),
        };
    }

    /// <summary>CUDA devices a driver shows; 0 where there is no driver.</summary>
    public static int CudaCount()
    {
        using Context probe = Context.Create(b => b.Cuda());
        return probe.GetCudaDevices().Count;
    }

    /// <summary>How kernels are compiled, on a device as in the test that compiles them without one. From O2 on ILGPU knows global memory from other memory.</summary>
    internal static Context.Builder Configure(Context.Builder builder) => builder.EnableAlgorithms().Optimize(OptimizationLevel.O2);

    /// <summary>
    /// To be called when the backend has been made, before a kernel is compiled. At O2 ILGPU writes <c>bra.uni</c> where it takes a branch for uniform, and it
    /// takes a result of inline asm for that: where lanes differ, such a branch is undefined. It asks for the level again when it looks for them.
    /// </summary>
    internal static void LeaveOutUniformBranches(Context context) =>
        typeof(ContextProperties).GetProperty(nameof(ContextProperties.OptimizationLevel))!.SetValue(context.Properties, OptimizationLevel.O1);

    static Device OpenCuda(int ordinal, int threads)
    {
        Context context = Context.Create(b => Configure(b).Cuda());
        int count = context.GetCudaDevices().Count;
        if (ordinal >= count)
        {
            context.Dispose();
            throw new NotSupportedException($"cuda:{ordinal} was asked for, and {count} CUDA devices are here; use --device host");
        }
        Accelerator accelerator = context.CreateCudaAccelerator(ordinal);
        LeaveOutUniformBranches(context);
        return new Device(DeviceKind.Cuda, accelerator.Name, threads, context, accelerator);
    }

    static Device OpenSimulator(int threads)
    {
        // 32 lanes a warp as on the GPU; one multiprocessor of two warps keeps the thread count low.
        var simulated = new CPUDevice(32, 2, 1);
        Context context = Context.Create(b => Configure(b).CPU(simulated));
        Accelerator accelerator = context.GetCPUDevice(0).CreateCPUAccelerator(context, CPUAcceleratorMode.Parallel);
        return new Device(DeviceKind.Simulator, "simulator", threads, context, accelerator);
    }

    public void Dispose()
    {
        Accelerator?.Dispose();
        context?.Dispose();
    }
}
