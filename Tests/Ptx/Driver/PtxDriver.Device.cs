using System.Runtime.InteropServices;
using System.Text;

namespace Osprey.Tests.Ptx.Driver;

/// <summary>The device, its contexts, streams and events: an A100 with few multiprocessors, so that grids that follow their number stay small.</summary>
static unsafe partial class PtxDriver
{
    /// <summary>By CUdevice_attribute. What is not here is 0.</summary>
    static readonly Dictionary<int, int> attributes = new()
    {
        [1] = 1024, // threads of a group
        [2] = 1024,
        [3] = 1024,
        [4] = 64,
        [5] = int.MaxValue, // groups of a grid
        [6] = 65535,
        [7] = 65535,
        [8] = 48 * 1024, // shared memory of a group
        [9] = 64 * 1024,
        [10] = 32, // lanes of a warp
        [11] = int.MaxValue,
        [12] = 65536, // registers of a group
        [13] = 1_410_000,
        [16] = PtxLaunch.Multiprocessors,
        [19] = 1,
        [31] = 1,
        [36] = 1_215_000,
        [37] = 5120,
        [38] = 40 << 20,
        [39] = 2048, // threads of a multiprocessor
        [40] = 1,
        [41] = 1, // one address space
        [75] = 8, // sm_80
        [76] = 0,
        [81] = 164 * 1024,
        [82] = 65536,
        [97] = 163 * 1024,
    };

    [UnmanagedCallersOnly]
    static int cuInit(uint flags) => Success;

    /// <summary>CUDA 11.8, whose PTX the gate's ptxas takes.</summary>
    [UnmanagedCallersOnly]
    static int cuDriverGetVersion(int* version) => Set(version, 11080);

    [UnmanagedCallersOnly]
    static int cuDeviceGetCount(int* count) => Set(count, attached ? 1 : 0);

    [UnmanagedCallersOnly]
    static int cuDeviceGet(int* device, int ordinal) => attached && ordinal == 0 ? Set(device, 0) : NoDevice;

    [UnmanagedCallersOnly]
    static int cuDeviceGetName(byte* name, int length, int device)
    {
        var place = new Span<byte>(name, length);
        place.Clear();
        Encoding.ASCII.GetBytes("PTX interpreter").AsSpan(0, Math.Min(15, length - 1)).CopyTo(place);
        return Success;
    }

    [UnmanagedCallersOnly]
    static int cuDeviceTotalMem_v2(nuint* bytes, int device)
    {
        *bytes = 1u << 30;
        return Success;
    }

    [UnmanagedCallersOnly]
    static int cuDeviceGetAttribute(int* value, int attribute, int device) => Set(value, attributes.GetValueOrDefault(attribute));

    [UnmanagedCallersOnly]
    static int cuDeviceCanAccessPeer(int* can, int device, int peer) => Set(can, 0);

    [UnmanagedCallersOnly]
    static int cuCtxCreate_v2(nint* context, uint flags, int device) => Give(context);

    [UnmanagedCallersOnly]
    static int cuCtxDestroy_v2(nint context) => Success;

    [UnmanagedCallersOnly]
    static int cuCtxSetCurrent(nint context) => Success;

    [UnmanagedCallersOnly]
    static int cuCtxSynchronize() => Success;

    [UnmanagedCallersOnly]
    static int cuCtxGetCacheConfig(int* config) => Set(config, 0);

    [UnmanagedCallersOnly]
    static int cuCtxSetCacheConfig(int config) => Success;

    [UnmanagedCallersOnly]
    static int cuCtxGetSharedMemConfig(int* config) => Set(config, 0);

    [UnmanagedCallersOnly]
    static int cuCtxSetSharedMemConfig(int config) => Success;

    [UnmanagedCallersOnly]
    static int cuStreamCreate(nint* stream, uint flags) => Give(stream);

    [UnmanagedCallersOnly]
    static int cuStreamCreateWithPriority(nint* stream, uint flags, int priority) => Give(stream);

    [UnmanagedCallersOnly]
    static int cuStreamDestroy_v2(nint stream) => Success;

    [UnmanagedCallersOnly]
    static int cuStreamSynchronize(nint stream) => Success;

    [UnmanagedCallersOnly]
    static int cuEventCreate(nint* moment, uint flags) => Give(moment);

    [UnmanagedCallersOnly]
    static int cuEventDestroy_v2(nint moment) => Success;

    [UnmanagedCallersOnly]
    static int cuEventRecord(nint moment, nint stream) => Success;

    [UnmanagedCallersOnly]
    static int cuEventSynchronize(nint moment) => Success;

    [UnmanagedCallersOnly]
    static int cuEventQuery(nint moment) => Success;

    static int Set(int* place, int value)
    {
        *place = value;
        return Success;
    }

    static int Give(nint* handle)
    {
        *handle = Handle();
        return Success;
    }
}
