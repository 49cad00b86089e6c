using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;

namespace Osprey.Tests.Ptx.Driver;

/// <summary>
/// A CUDA driver whose device is the interpreter: <c>libcuda.so</c> as ILGPU calls it, with modules of PTX text, device memory and launches. Code that
/// runs on <c>cuda</c> runs on it unchanged, and what it runs is the text that a GPU would get. A mistake ends the launch with an error whose text names the
/// line. Every launch is complete when it returns. It shows a device only while <see cref="Attach"/>ed; without it there is a driver and no device.
/// </summary>
static unsafe partial class PtxDriver
{
    /// <summary>The loader's names of functions that ILGPU or the engine call, and what they do here.</summary>
    static readonly Dictionary<string, nint> functions = typeof(PtxDriver).GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        .Where(m => m.GetCustomAttribute<UnmanagedCallersOnlyAttribute>() is not null)
        .ToDictionary(m => m.Name, m => m.MethodHandle.GetFunctionPointer());

    static readonly Dictionary<nint, IReadOnlyList<PtxEntry>> modules = [];
    static readonly Dictionary<nint, PtxProgram> programs = [];
    static readonly Lock door = new();

    static readonly PtxGlobalMemory memory = new();
    static long lastHandle = 0x1000;
    static nint faultText;
    static bool attached;

    /// <summary>Puts the driver where the process looks for one. To be called before anything asks for a CUDA device.</summary>
    public static void Install()
    {
        string[] names = [.. functions.Keys];
        nint* table = new TrampolineLibrary("libcuda.so", names, empty: NoDevice).Load();
        for (int f = 0; f < names.Length; f++) table[f] = functions[names[f]];
    }

    /// <summary>From now on there is a device, until the result is disposed.</summary>
    public static IDisposable Attach()
    {
        attached = true;
        return new Attachment();
    }

    sealed class Attachment : IDisposable
    {
        public void Dispose() => attached = false;
    }

    /// <summary>Launches since the process began.</summary>
    public static int Launches { get; private set; }

    const int Success = 0, InvalidValue = 1, NoDevice = 100, NotFound = 500, LaunchFailed = 719, Unknown = 999;

    static nint Handle() => (nint)Interlocked.Increment(ref lastHandle);

    /// <summary>Runs what a function does. No exception may leave it, as its caller is not managed code.</summary>
    static int Guard(Func<int> action)
    {
        lock (door)
        {
            try
            {
                return action();
            }
            catch (PtxFaultException e)
            {
                Say(e.Message);
                return LaunchFailed;
            }
            catch (Exception e)
            {
                Say(e.ToString());
                return Unknown;
            }
        }
    }

    static void Say(string text)
    {
        Marshal.FreeHGlobal(faultText);
        faultText = Marshal.StringToHGlobalAnsi(text);
    }

    [UnmanagedCallersOnly]
    static int cuGetErrorString(int error, nint* text)
    {
        *text = error is LaunchFailed or Unknown && faultText != 0 ? faultText : Names.GetOrAdd(error, e => Marshal.StringToHGlobalAnsi($"CUDA error {e}"));
        return Success;
    }

    static readonly System.Collections.Concurrent.ConcurrentDictionary<int, nint> Names = new();

    [UnmanagedCallersOnly]
    static int cuModuleLoadData(nint* module, byte* image) => LoadModule(module, image);

    [UnmanagedCallersOnly]
    static int cuModuleLoadDataEx(nint* module, byte* image, uint options, int* keys, void** values) => LoadModule(module, image);

    static int LoadModule(nint* module, byte* image)
    {
        string text = Marshal.PtrToStringUTF8((nint)image)!;
        nint handle = Handle();
        *module = handle;
        return Guard(() =>
        {
            modules[handle] = PtxParser.Parse(text);
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    static int cuModuleUnload(nint module) => Guard(() => modules.Remove(module) ? Success : InvalidValue);

    [UnmanagedCallersOnly]
    static int cuModuleGetFunction(nint* function, nint module, byte* name)
    {
        string entry = Marshal.PtrToStringUTF8((nint)name)!;
        nint handle = Handle();
        *function = handle;
        return Guard(() =>
        {
            if (modules[module].FirstOrDefault(e => e.Name == entry) is not { } found) return NotFound;
            programs[handle] = new PtxProgram(found);
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    static int cuLaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint groupX, uint groupY, uint groupZ, uint sharedBytes, nint stream, void** arguments, void** extra)
    {
        return Guard(() =>
        {
            PtxProgram program = programs[function];
            byte[] bytes = new byte[program.Entry.ParameterBytes];
            if (arguments is not null)
            {
                for (int p = 0; p < program.Entry.Parameters.Count; p++)
                    new ReadOnlySpan<byte>(arguments[p], program.Entry.Parameters[p].Size).CopyTo(bytes.AsSpan(program.Entry.Parameters[p].Offset));
            }
            else if (extra is not null)
            {
                // CU_LAUNCH_PARAM_BUFFER_POINTER is 1, CU_LAUNCH_PARAM_BUFFER_SIZE 2, CU_LAUNCH_PARAM_END 0.
                void* buffer = null;
                nuint size = 0;
                for (; *extra is not null; extra += 2)
                {
                    if ((nint)extra[0] == 1) buffer = extra[1];
                    else if ((nint)extra[0] == 2) size = *(nuint*)extra[1];
                }
                if ((int)size < bytes.Length) throw new PtxFaultException($"{size} bytes of arguments for the {bytes.Length} of {program.Entry.Name}");
                new ReadOnlySpan<byte>(buffer, bytes.Length).CopyTo(bytes);
            }
            Launches++;
            var grid = new Index3D((int)gridX, (int)gridY, (int)gridZ);
            var group = new Index3D((int)groupX, (int)groupY, (int)groupZ);
            new PtxLaunch(program, memory, grid, group, (int)sharedBytes, bytes) { StepLimit = 100_000_000 }.Run();
            return Success;
        });
    }
}
