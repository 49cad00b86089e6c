namespace Osprey.Interop.Cuda;

/// <summary>
/// The calls of the CUDA driver that sharing a context takes, one method for each, named after it, with its status as the result: 0 is success. Tests put a
/// recorder in its place.
/// </summary>
internal unsafe interface ICudaDriver
{
    int Init(uint flags);

    int DriverGetVersion(out int version);

    int DeviceGet(out int device, int ordinal);

    int DeviceGetAttribute(out int value, int attribute, int device);

    int DevicePrimaryCtxRetain(out nint context, int device);

    int DevicePrimaryCtxRelease(int device);

    int CtxPushCurrent(nint context);

    int CtxPopCurrent(out nint context);

    /// <param name="module">The module's handle.</param>
    /// <param name="image">PTX in UTF-8, ended by a zero.</param>
    int ModuleLoadData(out nint module, byte* image);

    int ModuleUnload(nint module);

    int ModuleGetFunction(out nint function, nint module, string name);

    int MemAlloc(out nint address, nuint bytes);

    int MemFree(nint address);

    /// <summary>In order with the default stream.</summary>
    int MemcpyHtoD(nint address, byte* values, nuint bytes);

    int MemsetD8Async(nint address, byte value, nuint bytes, nint stream);

    /// <param name="function">From <see cref="ModuleGetFunction"/>.</param>
    /// <param name="gridX">Groups.</param>
    /// <param name="blockX">Threads of a group.</param>
    /// <param name="sharedBytes">Of dynamic shared memory.</param>
    /// <param name="stream">0 is the context's default stream.</param>
    /// <param name="parameters">A pointer to each parameter's bytes.</param>
    int LaunchKernel(nint function, uint gridX, uint blockX, uint sharedBytes, nint stream, nint* parameters);

    /// <summary>Name and text of a status.</summary>
    string Describe(int status);
}
