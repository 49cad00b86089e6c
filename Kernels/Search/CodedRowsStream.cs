using System.Runtime.InteropServices;

namespace Osprey.Kernels.Search;

/// <summary>
/// <see cref="CodedRows"/> as bytes, little-endian: nine int64 (layout, N, D, similarity, seed, blocks per tile, rotated, the bits of the largest norm, cells), the
/// centre float32 [D], the ids uint32 [positions], the blocks' bounds float32 [blocks, 4], the codes. Where there are cells: their first positions and the
/// end int32 [cells + 1], their figures float32 (<see cref="CodedCells.Figures"/>), the scales of their centres float32 and the centres' codes.
/// </summary>
static unsafe class CodedRowsStream
{
    const long Layout = 2;

    /// <summary>Bytes per read or write, so that no span is longer than an array may be.</summary>
    const int Piece = 1 << 24;

    public static void Write(CodedRows rows, Stream stream)
    {
        ReadOnlySpan<long> head =
        [
            Layout, rows.Count, rows.Dimension, (long)rows.Similarity, (long)rows.Seed, rows.TileBlocks, rows.Rotation is null ? 0 : 1, BitConverter.DoubleToInt64Bits(rows.LargestNorm),
            rows.Cells?.Count ?? 0,
        ];
        stream.Write(MemoryMarshal.AsBytes(head));
        stream.Write(MemoryMarshal.AsBytes(rows.Centre.AsSpan()));
        WriteParts(stream, Parts(rows));
        if (rows.Cells is not { } cells) return;
        stream.Write(MemoryMarshal.AsBytes(cells.Starts));
        WriteParts(stream, Parts(cells));
    }

    static void WriteParts(Stream stream, IEnumerable<(nint At, long Length)> parts)
    {
        foreach ((nint at, long length) in parts)
            for (long done = 0; done < length; done += Piece) stream.Write(new ReadOnlySpan<byte>((byte*)at + done, (int)Math.Min(Piece, length - done)));
    }

    static void ReadParts(Stream stream, IEnumerable<(nint At, long Length)> parts)
    {
        foreach ((nint at, long length) in parts)
            for (long done = 0; done < length; done += Piece) stream.ReadExactly(new Span<byte>((byte*)at + done, (int)Math.Min(Piece, length - done)));
    }

    /// <summary>Reads what <see cref="Write"/> wrote; null if it is of another layout, or of other rows than said.</summary>
    /// <exception cref="InvalidDataException">It is broken.</exception>
    public static CodedRows? Read(Stream stream, long count, int dimension, Similarity similarity)
    {
        Span<long> head = stackalloc long[9];
        stream.ReadExactly(MemoryMarshal.AsBytes(head[..1]));
        if (head[0] != Layout) return null;
        stream.ReadExactly(MemoryMarshal.AsBytes(head[1..]));
        if (head[1] != count || head[2] != dimension || head[3] != (long)similarity) return null;
        var rows = new CodedRows(count, dimension, similarity, (ulong)head[4]) { LargestNorm = BitConverter.Int64BitsToDouble(head[7]) };
        try
        {
            if (rows.TileBlocks != head[5])
            {
                rows.Dispose();
                return null;
            }
            if (head[6] != 0) rows.Rotation = new CodedRotation(dimension, rows.Seed);
            stream.ReadExactly(MemoryMarshal.AsBytes(rows.Centre.AsSpan()));
            ReadParts(stream, Parts(rows));
            CheckIds(rows);
            if (head[8] != 0) ReadCells(stream, rows, head[8]);
            return rows;
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    static void ReadCells(Stream stream, CodedRows rows, long count)
    {
        if (count < 0 || count > rows.Count) throw new InvalidDataException($"the codes are broken: they name {count} cells of {rows.Count} rows");
        int[] starts = new int[count + 1];
        stream.ReadExactly(MemoryMarshal.AsBytes(starts.AsSpan()));
        if (starts[0] != 0 || starts[count] != rows.Count) throw new InvalidDataException($"the codes are broken: their cells hold rows {starts[0]} to {starts[count]} of {rows.Count}");
        for (int c = 0; c < count; c++)
        {
            // A worker's memory holds one cell.
            if (starts[c + 1] <= starts[c] || starts[c + 1] - starts[c] > CodedCells.MostRows(rows))
                throw new InvalidDataException($"the codes are broken: cell {c} goes from {starts[c]} to {starts[c + 1]}");
        }
        rows.Cells = new CodedCells(rows.Dimension, starts);
        ReadParts(stream, Parts(rows.Cells));
        rows.Cells.Centres.Rescale();
    }

    static IEnumerable<(nint At, long Length)> Parts(CodedCells cells) =>
    [
        ((nint)cells.Figures, (long)cells.FigureCount * sizeof(float)),
        ((nint)cells.Centres.Scales, (long)cells.Centres.Places * sizeof(float)),
        ((nint)cells.Centres.Codes, cells.Centres.CodeBytes),
    ];

    static IEnumerable<(nint At, long Length)> Parts(CodedRows rows) =>
    [
        ((nint)rows.Ids, (long)rows.Blocks * CodeScan.BlockRows * sizeof(uint)),
        ((nint)rows.BlockBounds, (long)rows.Blocks * sizeof(CodedBlock)),
        ((nint)rows.Codes, (long)rows.Blocks * rows.BlockBytes),
    ];

    /// <summary>Every row is at one position: an id past the rows would read memory that is not theirs.</summary>
    static void CheckIds(CodedRows rows)
    {
        var seen = new bool[rows.Count];
        long found = 0;
        for (long i = 0; i < (long)rows.Blocks * CodeScan.BlockRows; i++)
        {
            uint id = rows.Ids[i];
            if (id == CodedRows.NoRow) continue;
            if (id >= rows.Count || seen[id]) throw new InvalidDataException($"the codes are broken: position {i} names row {id} of {rows.Count}");
            seen[id] = true;
            found++;
        }
        if (found != rows.Count) throw new InvalidDataException($"the codes are broken: they are of {found} rows, and there are {rows.Count}");
    }
}
