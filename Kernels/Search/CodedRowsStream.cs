using System.Runtime.InteropServices;

namespace Osprey.Kernels.Search;

/// <summary>
/// <see cref="CodedRows"/> as bytes, little-endian: eight int64 (layout, N, D, similarity, seed, blocks per tile, rotated, the bits of the largest norm), the centre
/// float32 [D], the ids uint32 [positions], the blocks' bounds float32 [blocks, 4], the codes.
/// </summary>
static unsafe class CodedRowsStream
{
    const long Layout = 1;

    /// <summary>Bytes per read or write, so that no span is longer than an array may be.</summary>
    const int Piece = 1 << 24;

    public static void Write(CodedRows rows, Stream stream)
    {
        ReadOnlySpan<long> head =
        [
            Layout, rows.Count, rows.Dimension, (long)rows.Similarity, (long)rows.Seed, rows.TileBlocks, rows.Rotation is null ? 0 : 1, BitConverter.DoubleToInt64Bits(rows.LargestNorm),
        ];
        stream.Write(MemoryMarshal.AsBytes(head));
        stream.Write(MemoryMarshal.AsBytes(rows.Centre.AsSpan()));
        foreach ((nint at, long length) in Parts(rows))
            for (long done = 0; done < length; done += Piece) stream.Write(new ReadOnlySpan<byte>((byte*)at + done, (int)Math.Min(Piece, length - done)));
    }

    /// <summary>Reads what <see cref="Write"/> wrote; null if it is of another layout, or of other rows than said.</summary>
    /// <exception cref="InvalidDataException">It is broken.</exception>
    public static CodedRows? Read(Stream stream, long count, int dimension, Similarity similarity)
    {
        Span<long> head = stackalloc long[8];
        stream.ReadExactly(MemoryMarshal.AsBytes(head));
        if (head[0] != Layout || head[1] != count || head[2] != dimension || head[3] != (long)similarity) return null;
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
            foreach ((nint at, long length) in Parts(rows))
                for (long done = 0; done < length; done += Piece) stream.ReadExactly(new Span<byte>((byte*)at + done, (int)Math.Min(Piece, length - done)));
            CheckIds(rows);
            return rows;
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

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
