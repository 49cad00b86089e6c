namespace Osprey.Tests.Ptx;

/// <summary>Bytes that remember which of them were ever written: a read of another is an error.</summary>
sealed class PtxMemory(string name, int size)
{
    readonly byte[] bytes = Garbage(size);
    readonly bool[] written = new bool[size];

    static byte[] Garbage(int size)
    {
        byte[] bytes = new byte[size];
        bytes.AsSpan().Fill(0xcb);
        return bytes;
    }

    public string Name => name;

    public int Size => size;

    /// <summary>The bytes for the host to read. Every one of them must have been written.</summary>
    public ReadOnlySpan<byte> Read()
    {
        int first = written.AsSpan().IndexOf(false);
        return first < 0 ? bytes : throw new PtxFaultException($"{name}: byte {first} of {size} was never written");
    }

    /// <summary>Bytes that the host writes.</summary>
    public Span<byte> Fill(long offset, int count)
    {
        MustBeInside(offset, count);
        written.AsSpan((int)offset, count).Fill(true);
        return bytes.AsSpan((int)offset, count);
    }

    /// <summary>Bytes as the host may copy them, garbage where nothing was written.</summary>
    public ReadOnlySpan<byte> Peek(long offset, int count)
    {
        MustBeInside(offset, count);
        return bytes.AsSpan((int)offset, count);
    }

    /// <summary>Copies bytes together with whether they were written.</summary>
    public void CopyFrom(PtxMemory source, long from, long offset, int count)
    {
        source.Peek(from, count).CopyTo(Fill(offset, count));
        source.written.AsSpan((int)from, count).CopyTo(written.AsSpan((int)offset, count));
    }

    /// <summary>Forgets all that was written.</summary>
    public void Clear() => written.AsSpan().Clear();

    public ReadOnlySpan<byte> Read(long offset, int count)
    {
        MustBeAligned(offset, count);
        return ReadAny(offset, count);
    }

    /// <summary>As <see cref="Read(long, int)"/>, at any alignment.</summary>
    public ReadOnlySpan<byte> ReadAny(long offset, int count)
    {
        MustBeInside(offset, count);
        int first = written.AsSpan((int)offset, count).IndexOf(false);
        return first < 0 ? bytes.AsSpan((int)offset, count) : throw new PtxFaultException($"{name}: byte {offset + first} is read before it is written");
    }

    public Span<byte> Write(long offset, int count)
    {
        MustBeAligned(offset, count);
        MustBeInside(offset, count);
        written.AsSpan((int)offset, count).Fill(true);
        return bytes.AsSpan((int)offset, count);
    }

    public void MustBeAligned(long offset, int count)
    {
        if (offset % count != 0) throw new PtxFaultException($"{name}: {count} bytes at {offset} are not aligned");
    }

    void MustBeInside(long offset, int count)
    {
        if (offset < 0 || offset + count > size) throw new PtxFaultException($"{name}: {count} bytes at {offset} are outside its {size}");
    }
}
