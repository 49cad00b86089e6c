using System.Runtime.InteropServices;
using System.Text;

namespace Osprey.Interop.Formats;

/// <summary>A whole array, row-major.</summary>
public sealed record NpyArray<T>(T[] Values, IReadOnlyList<long> Shape);

/// <summary>NumPy's array files: float32, float16 (as float32 in memory) and int64, little-endian, row-major. <see cref="NpyRows"/> reads large ones in pieces, <see cref="ScaledRows"/> int8 with a scale per row.</summary>
public static class Npy
{
    /// <summary>Elements converted at a time, where the file's type is not the memory's.</summary>
    internal const int Piece = 1 << 15;

    /// <summary>A float32 or float16 array.</summary>
    /// <exception cref="InvalidDataException">The file is broken; the message says how.</exception>
    /// <exception cref="NotSupportedException">The file holds something else, or is column-major.</exception>
    public static NpyArray<float> ReadSingles(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return ReadSingles(stream, path);
    }

    /// <param name="stream">Seekable, at its start; the array must fill it.</param>
    /// <param name="name">For messages.</param>
    public static NpyArray<float> ReadSingles(Stream stream, string name)
    {
        NpyHeader header = NpyHeader.Read(stream, name);
        header.RequireFloats(name);
        float[] values = new float[CheckedLength(header, name)];
        if (header.Type == NpyType.Float32)
        {
            stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
            return new NpyArray<float>(values, header.Shape);
        }
        Half[] piece = new Half[Math.Min(Piece, values.Length)];
        for (int done = 0; done < values.Length; done += piece.Length)
        {
            Span<Half> halves = piece.AsSpan(0, Math.Min(piece.Length, values.Length - done));
            stream.ReadExactly(MemoryMarshal.AsBytes(halves));
            Widen(halves, values.AsSpan(done));
        }
        return new NpyArray<float>(values, header.Shape);
    }

    /// <summary>An int64 array.</summary>
    /// <inheritdoc cref="ReadSingles(string)"/>
    public static NpyArray<long> ReadInt64s(string path)
    {
        using FileStream stream = File.OpenRead(path);
        NpyHeader header = NpyHeader.Read(stream, path);
        if (header.Type != NpyType.Int64) throw new NotSupportedException($"{path} holds {header.Type} where int64 was expected");
        long[] values = new long[CheckedLength(header, path)];
        stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return new NpyArray<long>(values, header.Shape);
    }

    /// <summary>Writes float32.</summary>
    /// <exception cref="ArgumentException">The shape does not hold as many values.</exception>
    public static void Write(string path, ReadOnlySpan<float> values, params ReadOnlySpan<long> shape)
    {
        using FileStream stream = File.Create(path);
        Write(stream, values, NpyType.Float32, shape);
    }

    /// <summary>Writes int64.</summary>
    /// <inheritdoc cref="Write(string, ReadOnlySpan{float}, ReadOnlySpan{long})"/>
    public static void Write(string path, ReadOnlySpan<long> values, params ReadOnlySpan<long> shape)
    {
        using FileStream stream = File.Create(path);
        Write(stream, values, shape);
    }

    /// <summary>Writes float32, or float16 rounded to nearest even; beyond ±65,504 that is ±∞.</summary>
    public static void Write(Stream stream, ReadOnlySpan<float> values, NpyType type, params ReadOnlySpan<long> shape)
    {
        if (type is not (NpyType.Float32 or NpyType.Float16)) throw new ArgumentException($"floats are written as float32 or float16, not {type}");
        CheckCount(values.Length, shape);
        stream.Write(NpyHeader.Encode(type, shape));
        WriteValues(stream, values, type);
    }

    /// <summary>Writes some of an array's values, for a caller that has written its header.</summary>
    public static void WriteValues(Stream stream, ReadOnlySpan<float> values, NpyType type)
    {
        if (type == NpyType.Float32)
        {
            stream.Write(MemoryMarshal.AsBytes(values));
            return;
        }
        Half[] piece = new Half[Math.Min(Piece, values.Length)];
        for (int done = 0; done < values.Length; done += piece.Length)
        {
            Span<Half> halves = piece.AsSpan(0, Math.Min(piece.Length, values.Length - done));
            for (int i = 0; i < halves.Length; i++) halves[i] = (Half)values[done + i];
            stream.Write(MemoryMarshal.AsBytes(halves));
        }
    }

    public static void Write(Stream stream, ReadOnlySpan<long> values, params ReadOnlySpan<long> shape)
    {
        CheckCount(values.Length, shape);
        stream.Write(NpyHeader.Encode(NpyType.Int64, shape));
        stream.Write(MemoryMarshal.AsBytes(values));
    }

    /// <summary>Writes texts [N] as <c>&lt;U…</c>: UTF-32, each as long as the longest. <c>np.load</c> reads them without pickling.</summary>
    public static void Write(Stream stream, IReadOnlyList<string> texts)
    {
        byte[][] encoded = [.. texts.Select(Encoding.UTF32.GetBytes)];
        int longest = Math.Max(4, encoded.Select(e => e.Length).DefaultIfEmpty(0).Max());
        stream.Write(NpyHeader.Encode($"<U{longest / 4}", [texts.Count]));
        byte[] cell = new byte[longest];
        foreach (byte[] text in encoded)
        {
            cell.AsSpan().Clear();
            text.CopyTo(cell, 0);
            stream.Write(cell);
        }
    }

    internal static void Widen(ReadOnlySpan<Half> halves, Span<float> values)
    {
        for (int i = 0; i < halves.Length; i++) values[i] = (float)halves[i];
    }

    static int CheckedLength(NpyHeader header, string name) => header.Count <= Array.MaxLength
        ? (int)header.Count
        : throw new NotSupportedException($"{name} holds {header.Count} values, more than one array can ({Array.MaxLength}); read it in pieces with {nameof(NpyRows)}");

    static void CheckCount(long count, ReadOnlySpan<long> shape)
    {
        long expected = 1;
        foreach (long extent in shape) expected = checked(expected * extent);
        if (expected != count) throw new ArgumentException($"{count} values were given for the shape ({string.Join(", ", shape.ToArray())}), which holds {expected}");
    }
}
