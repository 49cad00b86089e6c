using System.Buffers;
using System.IO.MemoryMappedFiles;

namespace Osprey.Interop.Formats;

/// <summary>A file as memory: the system reads what is touched, and may forget it again. Read only.</summary>
public sealed unsafe class MappedFile : IDisposable
{
    readonly MemoryMappedFile file;
    readonly MemoryMappedViewAccessor view;
    readonly byte* start;

    MappedFile(MemoryMappedFile file, MemoryMappedViewAccessor view, long length)
    {
        this.file = file;
        this.view = view;
        Length = length;
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        start = pointer + view.PointerOffset;
    }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <param name="path">A file of at least one byte.</param>
    public static MappedFile Open(string path) =>
        Open(MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read), new FileInfo(path).Length);

    /// <param name="stream">Open for reading, at least one byte long; stays the caller's. What was written to it must have been flushed, if only to the system.</param>
    public static MappedFile Open(FileStream stream) =>
        Open(MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true), stream.Length);

    static MappedFile Open(MemoryMappedFile file, long length)
    {
        try
        {
            return new MappedFile(file, file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read), length);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Part of the file as floats, little-endian as the machine. Not to be used once this is disposed.</summary>
    /// <param name="offset">In bytes, a multiple of 4.</param>
    /// <param name="count">Floats.</param>
    /// <exception cref="ArgumentException">The part does not lie in the file.</exception>
    public ReadOnlyMemory<float> Floats(long offset, int count)
    {
        if (offset < 0 || offset % sizeof(float) != 0 || count < 0 || offset > Length - (count * (long)sizeof(float)))
            throw new ArgumentException($"{count} floats at byte {offset} do not lie in a file of {Length} bytes");
        return count == 0 ? default : new Part((float*)(start + offset), count).Memory;
    }

    /// <summary>Part of the file as a stream.</summary>
    public Stream OpenStream(long offset, long length) => file.CreateViewStream(offset, length, MemoryMappedFileAccess.Read);

    public void Dispose()
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        file.Dispose();
    }

    sealed class Part(float* start, int count) : MemoryManager<float>
    {
        public override Span<float> GetSpan() => new(start, count);

        // The map does not move.
        public override MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
