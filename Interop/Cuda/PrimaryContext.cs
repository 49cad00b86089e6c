using System.Reflection;
using System.Text;
using Osprey.Kernels.Sharing;

namespace Osprey.Interop.Cuda;

/// <summary>
/// A device's primary context, in which libtorch and all of CUDA's runtime API live, and its default stream. The context is made current for each call alone,
/// and what was current before is so again afterwards, whether the call succeeds or not.
/// </summary>
/// <remarks>
/// The stream is 0, the legacy default stream: libtorch's own unless a program chooses another, for which TorchSharp has no way. So a launch runs after the
/// tensor operations called before it and before those called after it, and no event is needed. ILGPU's accelerator and its streams are not used at all.
/// </remarks>
internal sealed unsafe class PrimaryContext : ICudaContext, IDisposable
{
    /// <summary>CUdevice_attribute.</summary>
    const int MaxThreadsPerBlock = 1, MultiprocessorCount = 16, CapabilityMajor = 75, CapabilityMinor = 76;

    const nint DefaultStream = 0;

    readonly ICudaDriver driver;
    readonly int device;
    readonly nint context;
    readonly Dictionary<MethodInfo, nint> functions = [];
    readonly List<nint> modules = [];

    /// <exception cref="InvalidOperationException">The driver refuses; the message has its name for the reason.</exception>
    /// <exception cref="DllNotFoundException">There is no driver.</exception>
    public PrimaryContext(ICudaDriver driver, int ordinal)
    {
        this.driver = driver;
        Check(driver.Init(0), "cuInit");
        Check(driver.DeviceGet(out device, ordinal), "cuDeviceGet");
        Check(driver.DriverGetVersion(out int version), "cuDriverGetVersion");
        Traits = new CudaTraits(Attribute(CapabilityMajor), Attribute(CapabilityMinor), version, Attribute(MultiprocessorCount), Attribute(MaxThreadsPerBlock));
        Check(driver.DevicePrimaryCtxRetain(out context, device), "cuDevicePrimaryCtxRetain");
    }

    public CudaTraits Traits { get; }

    public nint Load(MethodInfo kernel, Func<MethodInfo, (string Ptx, string Entry)> compile)
    {
        lock (functions)
        {
            if (functions.TryGetValue(kernel, out nint known)) return known;
            (string ptx, string entry) = compile(kernel);
            using Scope scope = Enter();
            nint module;
            fixed (byte* image = Encoding.UTF8.GetBytes(ptx + '\0')) Check(driver.ModuleLoadData(out module, image), "cuModuleLoadData");
            modules.Add(module);
            Check(driver.ModuleGetFunction(out nint function, module, entry), "cuModuleGetFunction");
            functions.Add(kernel, function);
            return function;
        }
    }

    public nint AllocateZeros(long bytes)
    {
        using Scope scope = Enter();
        Check(driver.MemAlloc(out nint address, (nuint)bytes), "cuMemAlloc");
        int status = driver.MemsetD8Async(address, 0, (nuint)bytes, DefaultStream);
        if (status != 0) _ = driver.MemFree(address);
        Check(status, "cuMemsetD8Async");
        return address;
    }

    public void Free(nint address)
    {
        using Scope scope = Enter();
        Check(driver.MemFree(address), "cuMemFree");
    }

    public void Clear(nint address, long bytes)
    {
        using Scope scope = Enter();
        Check(driver.MemsetD8Async(address, 0, (nuint)bytes, DefaultStream), "cuMemsetD8Async");
    }

    public void Upload(nint address, ReadOnlySpan<byte> values)
    {
        using Scope scope = Enter();
        fixed (byte* bytes = values) Check(driver.MemcpyHtoD(address, bytes, (nuint)values.Length), "cuMemcpyHtoD");
    }

    public void Launch(nint kernel, int groups, int groupSize, ReadOnlySpan<byte> arguments, ReadOnlySpan<int> offsets)
    {
        nint* parameters = stackalloc nint[offsets.Length];
        fixed (byte* bytes = arguments)
        {
            for (int i = 0; i < offsets.Length; i++) parameters[i] = (nint)(bytes + offsets[i]);
            using Scope scope = Enter();
            Check(driver.LaunchKernel(kernel, (uint)groups, (uint)groupSize, 0, DefaultStream, parameters), "cuLaunchKernel");
        }
    }

    Scope Enter()
    {
        Check(driver.CtxPushCurrent(context), "cuCtxPushCurrent");
        return new Scope(driver);
    }

    int Attribute(int attribute)
    {
        Check(driver.DeviceGetAttribute(out int value, attribute, device), "cuDeviceGetAttribute");
        return value;
    }

    void Check(int status, string call)
    {
        if (status != 0) throw new InvalidOperationException($"the CUDA driver's {call} failed: {driver.Describe(status)}");
    }

    public void Dispose()
    {
        using (Enter())
            foreach (nint module in modules) _ = driver.ModuleUnload(module);
        modules.Clear();
        _ = driver.DevicePrimaryCtxRelease(device);
    }

    /// <summary>The time in which the context is current. A status at its end is that of an earlier launch; thrown here it would hide what is on its way.</summary>
    readonly ref struct Scope(ICudaDriver driver)
    {
        public void Dispose() => _ = driver.CtxPopCurrent(out _);
    }
}
