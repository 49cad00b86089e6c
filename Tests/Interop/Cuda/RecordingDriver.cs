using System.Runtime.CompilerServices;
using System.Text;
using ILGPU;
using Osprey.Interop.Cuda;
using Osprey.Tests.Ptx;

namespace Osprey.Tests.Interop.Cuda;

/// <summary>One call of cuLaunchKernel, its parameters read as the driver reads them: as many bytes from each pointer as the PTX declares.</summary>
sealed record RecordedLaunch(string Entry, int Groups, int GroupSize, int SharedBytes, nint Stream, IReadOnlyList<byte[]> Parameters);

/// <summary>
/// A CUDA driver without a device: keeps a stack of current contexts, remembers what was called, can refuse a call, and where asked to runs a launch's PTX in the
/// interpreter, on memory that it handed out itself.
/// </summary>
sealed unsafe class RecordingDriver(int multiprocessors, int maxGroupSize) : ICudaDriver
{
    public const nint Context = 0x5000;

    const int NotReady = 700;

    readonly List<PtxProgram> modules = [];

    public PtxGlobalMemory Memory { get; } = new();

    public Stack<nint> Current { get; } = new();

    public List<string> Calls { get; } = [];

    public List<RecordedLaunch> Launches { get; } = [];

    public Dictionary<nint, nuint> Allocated { get; } = [];

    public int Retained { get; private set; }

    /// <summary>The name of a call that fails.</summary>
    public string? Failing { get; set; }

    public bool Runs { get; init; }

    public int Init(uint flags) => Called();

    public int DriverGetVersion(out int version) => Called(out version, 11080);

    public int DeviceGet(out int device, int ordinal) => Called(out device, ordinal);

    public int DeviceGetAttribute(out int value, int attribute, int device) =>
        Called(out value, attribute switch { 1 => maxGroupSize, 16 => multiprocessors, 75 => 8, 76 => 0, _ => throw new ArgumentOutOfRangeException(nameof(attribute)) });

    public int DevicePrimaryCtxRetain(out nint context, int device)
    {
        Retained++;
        return Called(out context, Context + device);
    }

    public int DevicePrimaryCtxRelease(int device)
    {
        Retained--;
        return Called();
    }

    public int CtxPushCurrent(nint context)
    {
        int status = Called();
        if (status == 0) Current.Push(context);
        return status;
    }

    public int CtxPopCurrent(out nint context) => Called(out context, Current.Pop());

    public int ModuleLoadData(out nint module, byte* image)
    {
        MustBeInside();
        int length = 0;
        while (image[length] != 0) length++;
        modules.Add(new PtxProgram(PtxParser.Parse(Encoding.UTF8.GetString(image, length)).Single()));
        return Called(out module, modules.Count);
    }

    public int ModuleUnload(nint module)
    {
        MustBeInside();
        return Called();
    }

    public int ModuleGetFunction(out nint function, nint module, string name)
    {
        MustBeInside();
        if (modules[(int)module - 1].Entry.Name != name) throw new ArgumentException($"the module has no kernel {name}");
        return Called(out function, 100 + module);
    }

    public int MemAlloc(out nint address, nuint bytes)
    {
        MustBeInside();
        int status = Called(out address, (nint)Memory.Empty<byte>((int)bytes).Address);
        if (status == 0) Allocated.Add(address, bytes);
        return status;
    }

    public int MemFree(nint address)
    {
        MustBeInside();
        if (!Allocated.Remove(address)) throw new ArgumentException("freed, and never allocated");
        return Called();
    }

    public int MemcpyHtoD(nint address, byte* values, nuint bytes)
    {
        MustBeInside();
        PtxMemory memory = Memory.At((ulong)address, out long offset);
        new ReadOnlySpan<byte>(values, (int)bytes).CopyTo(memory.Fill(offset, (int)bytes));
        return Called();
    }

    public int MemsetD8Async(nint address, byte value, nuint bytes, nint stream)
    {
        MustBeInside();
        PtxMemory memory = Memory.At((ulong)address, out long offset);
        memory.Fill(offset, (int)bytes).Fill(value);
        return Called();
    }

    public int LaunchKernel(nint function, uint gridX, uint blockX, uint sharedBytes, nint stream, nint* parameters)
    {
        MustBeInside();
        PtxProgram program = modules[(int)function - 101];
        var bytes = new byte[program.Entry.ParameterBytes];
        for (int i = 0; i < program.Entry.Parameters.Count; i++)
            new ReadOnlySpan<byte>((void*)parameters[i], program.Entry.Parameters[i].Size).CopyTo(bytes.AsSpan(program.Entry.Parameters[i].Offset));
        Launches.Add(new(program.Entry.Name, (int)gridX, (int)blockX, (int)sharedBytes, stream, [.. program.Entry.Parameters.Select(p => bytes[p.Offset..(p.Offset + p.Size)])]));
        int status = Called();
        if (status == 0 && Runs) new PtxLaunch(program, Memory, new Index3D((int)gridX, 1, 1), new Index3D((int)blockX, 1, 1), (int)sharedBytes, bytes) { StepLimit = 50_000_000 }.Run();
        return status;
    }

    public string Describe(int status) => $"status {status}";

    int Called<T>(out T value, T result, [CallerMemberName] string name = "")
    {
        value = result;
        return Called(name);
    }

    int Called([CallerMemberName] string name = "")
    {
        Calls.Add(name);
        return name == Failing ? NotReady : 0;
    }

    void MustBeInside()
    {
        if (Current.Count == 0 || Current.Peek() < Context) throw new InvalidOperationException("called outside the primary context");
    }
}
