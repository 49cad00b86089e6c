using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Osprey.Kernels.Sharing;

/// <summary>Kernels in somebody else's context: compiled by ILGPU, loaded and launched by that context. One launch at a time.</summary>
internal sealed class ContextLoader : KernelLoader
{
    readonly ICudaContext context;
    readonly Accelerator bookkeeper;
    readonly ContextMemory everything;
    readonly KernelCompiler compiler;

    public ContextLoader(ICudaContext context)
    {
        this.context = context;
        // ILGPU's views need a buffer, and its buffers an accelerator to be registered with: the smallest there is, on which nothing ever runs.
        Context ilgpu = Context.Create(b => Device.Configure(b).CPU(new CPUDevice(2, 1, 1)));
        bookkeeper = ilgpu.GetCPUDevice(0).CreateCPUAccelerator(ilgpu, CPUAcceleratorMode.Sequential);
        everything = new ContextMemory(bookkeeper);
        compiler = new KernelCompiler(ilgpu, context.Traits);
    }

    public override int Multiprocessors => context.Traits.Multiprocessors;

    public override int MaxGroupSize => context.Traits.MaxGroupSize;

    /// <summary>Memory that is not ours as an argument of a launch.</summary>
    public unsafe ArrayView<T> View<T>(DeviceSpan<T> span)
        where T : unmanaged => new(everything, span.Address / sizeof(T), span.Length);

    public override MemoryBuffer AllocateZeros(long length, int elementSize) => new ContextMemory(bookkeeper, context, length, elementSize);

    public override unsafe void Clear<T>(ArrayView<T> target)
    {
        if (target.Length > 0) context.Clear(KernelArguments.AddressOf(target), target.Length * sizeof(T));
    }

    public override void Upload<T>(ArrayView<T> target, ReadOnlySpan<T> values)
    {
        if (target.Length > 0) context.Upload(KernelArguments.AddressOf(target), MemoryMarshal.AsBytes(values));
    }

    public override Action<KernelConfig, T1, T2, T3> Load<T1, T2, T3>(Action<T1, T2, T3> kernel)
    {
        nint handle = Load(kernel.Method);
        return (config, a, b, c) =>
        {
            var arguments = new KernelArguments();
            arguments.Add(a).Add(b).Add(c).Launch(context, handle, config);
        };
    }

    public override Action<KernelConfig, T1, T2, T3, T4> Load<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel)
    {
        nint handle = Load(kernel.Method);
        return (config, a, b, c, d) =>
        {
            var arguments = new KernelArguments();
            arguments.Add(a).Add(b).Add(c).Add(d).Launch(context, handle, config);
        };
    }

    public override Action<KernelConfig, T1, T2, T3, T4, T5> Load<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel)
    {
        nint handle = Load(kernel.Method);
        return (config, a, b, c, d, e) =>
        {
            var arguments = new KernelArguments();
            arguments.Add(a).Add(b).Add(c).Add(d).Add(e).Launch(context, handle, config);
        };
    }

    public override Action<KernelConfig, T1, T2, T3, T4, T5, T6> Load<T1, T2, T3, T4, T5, T6>(Action<T1, T2, T3, T4, T5, T6> kernel)
    {
        nint handle = Load(kernel.Method);
        return (config, a, b, c, d, e, f) =>
        {
            var arguments = new KernelArguments();
            arguments.Add(a).Add(b).Add(c).Add(d).Add(e).Add(f).Launch(context, handle, config);
        };
    }

    public override Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> Load<T1, T2, T3, T4, T5, T6, T7>(Action<T1, T2, T3, T4, T5, T6, T7> kernel)
    {
        nint handle = Load(kernel.Method);
        return (config, a, b, c, d, e, f, g) =>
        {
            var arguments = new KernelArguments();
            arguments.Add(a).Add(b).Add(c).Add(d).Add(e).Add(f).Add(g).Launch(context, handle, config);
        };
    }

    public override Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> Load<T1, T2, T3, T4, T5, T6, T7, T8>(Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel)
    {
        nint handle = Load(kernel.Method);
        return (config, a, b, c, d, e, f, g, h) =>
        {
            var arguments = new KernelArguments();
            arguments.Add(a).Add(b).Add(c).Add(d).Add(e).Add(f).Add(g).Add(h).Launch(context, handle, config);
        };
    }

    public override Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9> Load<T1, T2, T3, T4, T5, T6, T7, T8, T9>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel)
    {
        nint handle = Load(kernel.Method);
        return (config, a, b, c, d, e, f, g, h, i) =>
        {
            var arguments = new KernelArguments();
            arguments.Add(a).Add(b).Add(c).Add(d).Add(e).Add(f).Add(g).Add(h).Add(i).Launch(context, handle, config);
        };
    }

    nint Load(MethodInfo kernel) => context.Load(kernel, compiler.Compile);

    public override void Dispose()
    {
        everything.Dispose();
        bookkeeper.Dispose();
        compiler.Dispose();
    }
}
