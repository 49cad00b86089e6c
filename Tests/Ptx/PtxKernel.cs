using System.Buffers.Binary;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Osprey.Tests.Ptx;

/// <summary>A kernel's PTX, as ILGPU emits it for an architecture, ready to be interpreted: what the GPU would run.</summary>
sealed class PtxKernel
{
    static readonly Dictionary<(MethodInfo, CudaArchitecture), PtxProgram> programs = [];

    readonly PtxProgram program;

    /// <summary>Instructions of warps after which a launch counts as endless.</summary>
    public long StepLimit { get; init; } = 100_000_000;

    PtxKernel(PtxProgram program) => this.program = program;

    /// <summary>A kernel by the method itself, as it is given to <c>LoadStreamKernel</c>.</summary>
    public static PtxKernel Of(Delegate kernel, CudaArchitecture? architecture = null) => Of(kernel.Method, architecture);

    /// <summary>A private or generic kernel of <paramref name="type"/>, by its name and functors.</summary>
    public static PtxKernel Of(Type type, string name, params Type[] functors)
    {
        MethodInfo method = type.GetMethod(name, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic) ?? throw new MissingMethodException(type.Name, name);
        return Of(functors.Length > 0 ? method.MakeGenericMethod(functors) : method);
    }

    public static PtxKernel Of(MethodInfo method, CudaArchitecture? architecture = null)
    {
        CudaArchitecture target = architecture ?? CudaArchitecture.SM_80;
        lock (programs)
        {
            if (!programs.TryGetValue((method, target), out PtxProgram? program))
                programs[(method, target)] = program = Program(PtxCompiler.Compile(method, target));
            return new PtxKernel(program);
        }
    }

    /// <summary>A module with one kernel, written by hand.</summary>
    public static PtxKernel FromText(string ptx, long stepLimit) => new(Program(ptx)) { StepLimit = stepLimit };

    static PtxProgram Program(string ptx) => new(PtxParser.Parse(ptx).Single());

    /// <summary>
    /// Runs the kernel on every group of the grid. Buffers are passed as ILGPU passes an <c>ArrayView</c>, address and length; numbers and structs by their bytes.
    /// </summary>
    public void Launch(PtxGlobalMemory memory, KernelConfig config, params object[] arguments)
    {
        byte[] bytes = new byte[program.Entry.ParameterBytes];
        if (arguments.Length != program.Entry.Parameters.Count) throw new ArgumentException($"{arguments.Length} arguments for the {program.Entry.Parameters.Count} parameters of {program.Entry.Name}");
        foreach ((PtxVariable parameter, object argument) in program.Entry.Parameters.Zip(arguments))
        {
            Span<byte> place = bytes.AsSpan(parameter.Offset, parameter.Size);
            if (argument is IPtxBuffer buffer)
            {
                if (place.Length != 16) throw new ArgumentException($"{parameter.Name} takes {place.Length} bytes, and a view has 16");
                BinaryPrimitives.WriteUInt64LittleEndian(place, buffer.Address);
                BinaryPrimitives.WriteInt64LittleEndian(place[8..], buffer.Length);
            }
            else
            {
                byte[] value = Bytes(argument);
                if (value.Length != place.Length) throw new ArgumentException($"{parameter.Name} takes {place.Length} bytes, and {argument.GetType().Name} has {value.Length}");
                value.CopyTo(place);
            }
        }
        int dynamicShared = config.SharedMemoryConfig.NumElements * config.SharedMemoryConfig.ElementSize;
        new PtxLaunch(program, memory, config.GridDim, config.GroupDim, dynamicShared, bytes) { StepLimit = StepLimit }.Run();
    }

    static byte[] Bytes(object value)
    {
        if (value is Enum) value = Convert.ChangeType(value, Enum.GetUnderlyingType(value.GetType()), null);
        MethodInfo generic = typeof(PtxKernel).GetMethod(nameof(BytesOf), BindingFlags.Static | BindingFlags.NonPublic)!;
        return (byte[])generic.MakeGenericMethod(value.GetType()).Invoke(null, [value])!;
    }

    static byte[] BytesOf<T>(T value)
        where T : unmanaged
    {
        byte[] bytes = new byte[Unsafe.SizeOf<T>()];
        MemoryMarshal.Write(bytes, in value);
        return bytes;
    }
}
