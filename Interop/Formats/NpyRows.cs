using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Osprey.Interop.Formats;

/// <summary>A float32 or float16 matrix [N, D] on disk, read a range of rows at a time. May be read from several threads.</summary>
public sealed class NpyRows : IRowFile
{
    readonly SafeFileHandle file;
    readonly NpyHeader header;
    readonly string path;

    NpyRows(SafeFileHandle file, NpyHeader header, string path)
    {
        this.file = file;
        this.header = header;
        this.path = path;
    }

    /// <summary>N.</summary>
    public long Count => header.Shape[0];

    /// <summary>D.</summary>
    public int Dimension => (int)header.Shape[1];

    public NpyType Type => header.Type;

    /// <exception cref="InvalidDataException">The file is broken, or is no matrix.</exception>
    /// <exception cref="NotSupportedException">Another element type, or column-major.</exception>
    public static NpyRows Open(string path)
    {
        NpyHeader header;
        using (FileStream stream = File.OpenRead(path)) header = NpyHeader.Read(stream, path);
        header.RequireFloats(path);
        header.RequireMatrix(path);
        return new NpyRows(File.OpenHandle(path, options: FileOptions.SequentialScan), header, path);
    }

    /// <inheritdoc/>
    public void Read(long first, Span<float> rows)
    {
        RowRange.Check(first, rows.Length, this, path);
        long offset = header.DataOffset + first * Dimension * NpyHeader.SizeOf(Type);
        if (Type == NpyType.Float32)
        {
            RowRange.ReadExactly(file, MemoryMarshal.AsBytes(rows), offset, path);
            return;
        }
        Half[] piece = new Half[Math.Min(Npy.Piece, rows.Length)];
        for (int done = 0; done < rows.Length; done += piece.Length)
        {
            Span<Half> halves = piece.AsSpan(0, Math.Min(piece.Length, rows.Length - done));
            RowRange.ReadExactly(file, MemoryMarshal.AsBytes(halves), offset + 2L * done, path);
            Npy.Widen(halves, rows[done..]);
        }
    }

    public void Dispose() => file.Dispose();
}
