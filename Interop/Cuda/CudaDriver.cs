using System.Reflection;
using System.Runtime.InteropServices;

namespace Osprey.Interop.Cuda;

/// <summary>The driver itself: libcuda, which comes with NVIDIA's kernel module and not with any package.</summary>
internal sealed unsafe partial class CudaDriver : ICudaDriver
{
    const string Library = "osprey-cuda-driver";

    /// <summary>The second name is all that a machine without development files has.</summary>
    static readonly string[] names = OperatingSystem.IsWindows() ? ["nvcuda.dll"] : ["libcuda.so", "libcuda.so.1"];

    static CudaDriver() => NativeLibrary.SetDllImportResolver(typeof(CudaDriver).Assembly, Resolve);

    static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library) return 0;
        foreach (string file in names)
            if (NativeLibrary.TryLoad(file, out nint library)) return library;
        throw new DllNotFoundException($"no CUDA driver: {string.Join(" and ", names)} cannot be loaded; install NVIDIA's driver, or keep the tensors on the CPU");
    }

    public int Init(uint flags) => cuInit(flags);

    public int DriverGetVersion(out int version) => cuDriverGetVersion(out version);

    public int DeviceGet(out int device, int ordinal) => cuDeviceGet(out device, ordinal);

    public int DeviceGetAttribute(out int value, int attribute, int device) => cuDeviceGetAttribute(out value, attribute, device);

    public int DevicePrimaryCtxRetain(out nint context, int device) => cuDevicePrimaryCtxRetain(out context, device);

    public int DevicePrimaryCtxRelease(int device) => cuDevicePrimaryCtxRelease_v2(device);

    public int CtxPushCurrent(nint context) => cuCtxPushCurrent_v2(context);

    public int CtxPopCurrent(out nint context) => cuCtxPopCurrent_v2(out context);

    public int ModuleLoadData(out nint module, byte* image) => cuModuleLoadData(out module, image);

    public int ModuleUnload(nint module) => cuModuleUnload(module);

    public int ModuleGetFunction(out nint function, nint module, string name) => cuModuleGetFunction(out function, module, name);

    public int MemAlloc(out nint address, nuint bytes) => cuMemAlloc_v2(out address, bytes);

    public int MemFree(nint address) => cuMemFree_v2(address);

    public int MemcpyHtoD(nint address, byte* values, nuint bytes) => cuMemcpyHtoD_v2(address, values, bytes);

    public int MemsetD8Async(nint address, byte value, nuint bytes, nint stream) => cuMemsetD8Async(address, value, bytes, stream);

    public int LaunchKernel(nint function, uint gridX, uint blockX, uint sharedBytes, nint stream, nint* parameters) =>
        cuLaunchKernel(function, gridX, 1, 1, blockX, 1, 1, sharedBytes, stream, parameters, null);

    public string Describe(int status) =>
        cuGetErrorName(status, out nint name) == 0 && cuGetErrorString(status, out nint text) == 0
            ? $"{Marshal.PtrToStringUTF8(name)}, {Marshal.PtrToStringUTF8(text)}"
            : $"status {status}";

    [LibraryImport(Library)]
    private static partial int cuInit(uint flags);

    [LibraryImport(Library)]
    private static partial int cuDriverGetVersion(out int version);

    [LibraryImport(Library)]
    private static partial int cuDeviceGet(out int device, int ordinal);

    [LibraryImport(Library)]
    private static partial int cuDeviceGetAttribute(out int value, int attribute, int device);

    [LibraryImport(Library)]
    private static partial int cuDevicePrimaryCtxRetain(out nint context, int device);

    [LibraryImport(Library)]
    private static partial int cuDevicePrimaryCtxRelease_v2(int device);

    [LibraryImport(Library)]
    private static partial int cuCtxPushCurrent_v2(nint context);

    [LibraryImport(Library)]
    private static partial int cuCtxPopCurrent_v2(out nint context);

    [LibraryImport(Library)]
    private static partial int cuModuleLoadData(out nint module, byte* image);

    [LibraryImport(Library)]
    private static partial int cuModuleUnload(nint module);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int cuModuleGetFunction(out nint function, nint module, string name);

    [LibraryImport(Library)]
    private static partial int cuMemAlloc_v2(out nint address, nuint bytes);

    [LibraryImport(Library)]
    private static partial int cuMemFree_v2(nint address);

    [LibraryImport(Library)]
    private static partial int cuMemcpyHtoD_v2(nint address, byte* values, nuint bytes);

    [LibraryImport(Library)]
    private static partial int cuMemsetD8Async(nint address, byte value, nuint bytes, nint stream);

    [LibraryImport(Library)]
    private static partial int cuLaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes, nint stream, nint* parameters, void** extra);

    [LibraryImport(Library)]
    private static partial int cuGetErrorName(int status, out nint name);

    [LibraryImport(Library)]
    private static partial int cuGetErrorString(int status, out nint text);
}
