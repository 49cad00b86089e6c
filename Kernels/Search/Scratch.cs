using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Search;

/// <summary>Memory outside the garbage collector's, aligned to a cache line, that grows and is kept. Growing forgets what was in it.</summary>
sealed unsafe class Scratch<T> : IDisposable
    where T : unmanaged
{
    public nint Length { get; private set; }

    public T* Pointer { get; private set; }

    public T* Ensure(nint values)
    {
        if (values <= Length) return Pointer;
        Dispose();
        Pointer = (T*)HostMemory.Allocate((nuint)values * (nuint)sizeof(T));
        Length = values;
        return Pointer;
    }

    public void Dispose()
    {
        HostMemory.Free(Pointer);
        Pointer = null;
        Length = 0;
    }
}
