using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Osprey.Interop.Formats;

/// <summary>A matrix [N, D] of <see cref="ScaledRow"/>s in two <c>.npy</c> files: int8 codes [N, D], and float32 scales [N]. May be read from several threads.</summary>
public sealed class ScaledRows : IRowFile
{
    readonly SafeFileHandle file;
    readonly NpyHeader header;
    readonly float[] scales;
    readonly string path;

    ScaledRows(SafeFileHandle file, NpyHeader header, float[] scales, string path)
    {
        this.file = file;
        this.header = header;
        this.scales = scales;
        this.path = path;
    }

    /// <summary>N.</summary>
    public long Count => header.Shape[0];

    /// <summary>D.</summary>
    public int Dimension => (int)header.Shape[1];

    /// <param name="path">Of the codes.</param>
    /// <param name="scalesPath">Of the scales, which are read now.</param>
    /// <exception cref="InvalidDataException">A file is broken, they do not belong together, or a scale is none; the message names the file and the row.</exception>
    /// <exception cref="NotSupportedException">Scales of another element type.</exception>
    public static ScaledRows Open(string path, string scalesPath)
    {
        NpyHeader header;
        using (FileStream stream = File.OpenRead(path)) header = NpyHeader.Read(stream, path);
        if (header.Type != NpyType.Int8) throw new InvalidDataException($"{path} holds {header.Type.ToString().ToLowerInvariant()} where int8 was expected");
        header.RequireMatrix(path);
        NpyArray<float> scales = Npy.ReadSingles(scalesPath);
        if (scales.Shape.Count != 1 || scales.Shape[0] != header.Shape[0])
            throw new InvalidDataException($"{scalesPath} has the shape ({string.Join(", ", scales.Shape)}), and {path} has {header.Shape[0]} rows");
        int wrong = Array.FindIndex(scales.Values, s => !(s >= ScaledRow.SmallestScale && float.IsFinite(127 * s)));
        if (wrong >= 0) throw new InvalidDataException($"{scalesPath}: the scale of row {wrong} is {scales.Values[wrong]}, which no row has");
        return new ScaledRows(File.OpenHandle(path, options: FileOptions.SequentialScan), header, scales.Values, path);
    }

    /// <summary>Writes the codes' file.</summary>
    /// <param name="stream">Of the codes.</param>
    /// <param name="values">[N, D].</param>
    /// <param name="dimension">D.</param>
    /// <param name="scales">[N], for the other file; overwritten.</param>
    /// <param name="nameOf">What a row is called in an error.</param>
    /// <exception cref="ArgumentException">A row has no scale; the message names it.</exception>
    public static void Write(Stream stream, ReadOnlySpan<float> values, int dimension, Span<float> scales, Func<int, string> nameOf)
    {
        stream.Write(NpyHeader.Encode(NpyType.Int8, [scales.Length, dimension]));
        sbyte[] codes = new sbyte[dimension];
        for (int i = 0; i < scales.Length; i++)
        {
            scales[i] = ScaledRow.Encode(values.Slice(i * dimension, dimension), codes);
            if (float.IsNaN(scales[i])) throw new ArgumentException($"the descriptor of {nameOf(i)} holds a value that is not finite, or too large for int8; float32 holds any");
            stream.Write(MemoryMarshal.AsBytes<sbyte>(codes));
        }
    }

    /// <inheritdoc/>
    public void Read(long first, Span<float> rows)
    {
        RowRange.Check(first, rows.Length, this, path);
        int count = rows.Length / Dimension, most = Math.Max(1, Npy.Piece / Dimension);
        sbyte[] codes = new sbyte[Math.Min(most, count) * Dimension];
        for (int done = 0; done < count; done += most)
        {
            int here = Math.Min(most, count - done);
            RowRange.ReadExactly(file, MemoryMarshal.AsBytes(codes.AsSpan(0, here * Dimension)), header.DataOffset + ((first + done) * Dimension), path);
            for (int i = 0; i < here; i++)
                ScaledRow.Decode(codes.AsSpan(i * Dimension, Dimension), scales[first + done + i], rows.Slice((done + i) * Dimension, Dimension));
        }
    }

    public void Dispose() => file.Dispose();
}
