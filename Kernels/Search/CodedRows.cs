using System.Runtime.InteropServices;

namespace Osprey.Kernels.Search;

/// <summary>What bounds the scores of the sixteen rows of a block, beside their codes. y is a row less the centre, rotated; c its codes.</summary>
/// <param name="Scale">s: c = round(s·y), the same s for the whole block.</param>
/// <param name="Residual">At least ‖y − c/s‖ of every row, and so all that rounding the row has done.</param>
/// <param name="Norm">At least ‖y‖ of every row.</param>
/// <param name="Offset">Inner product: 0. L2: at most ‖y‖²/2 of every row.</param>
[StructLayout(LayoutKind.Sequential)]
readonly record struct CodedBlock(float Scale, float Residual, float Norm, float Offset);

/// <summary>
/// Rows as 8-bit codes, in the order in which they are scanned. A position is a place in that order; sixteen positions are a block, and a fixed
/// number of blocks is a tile, whose codes fit a core's L2 cache. Tiles hold rows drawn at random, so that a few of them are a sample of all,
/// unless rows are ordered by cell (<see cref="Cells"/>).
/// </summary>
sealed unsafe class CodedRows : IDisposable
{
    /// <summary>No row: at the positions past the last.</summary>
    public const uint NoRow = uint.MaxValue;

    const int BlockRows = CodeScan.BlockRows;

    /// <summary>Bytes of a tile's codes: half of the 1 MiB of L2 that the smallest current server cores have.</summary>
    const int TileBytes = 1 << 19;

    /// <summary>Blocks of the smallest tile.</summary>
    const int LeastTileBlocks = 8;

    readonly Scratch<byte> codes = new();
    readonly Scratch<CodedBlock> blocks = new();
    readonly Scratch<uint> ids = new();

    public CodedRows(long count, int dimension, Similarity similarity, ulong seed)
    {
        Count = count;
        Dimension = dimension;
        Similarity = similarity;
        Seed = seed;
        Groups = (dimension + CodeScan.GroupValues - 1) / CodeScan.GroupValues;
        BlockBytes = Groups * CodeScan.GroupBytes;
        // An even number: they are scanned in pairs.
        Blocks = (int)((count + 2 * BlockRows - 1) / (2 * BlockRows)) * 2;
        int most = TileBytes / BlockBytes / 2 * 2, even = Blocks / 32 / 2 * 2;
        TileBlocks = Math.Max(Math.Min(most, even), LeastTileBlocks);
        Tiles = (Blocks + TileBlocks - 1) / TileBlocks;
        codes.Ensure((nint)Blocks * BlockBytes);
        blocks.Ensure(Blocks);
        ids.Ensure((nint)Blocks * BlockRows);
        Centre = new float[dimension];
    }

    /// <summary>N.</summary>
    public long Count { get; }

    /// <summary>D.</summary>
    public int Dimension { get; }

    public Similarity Similarity { get; }

    public ulong Seed { get; }

    /// <summary>Fours of dimensions.</summary>
    public int Groups { get; }

    public int BlockBytes { get; }

    /// <summary>Even; the last may hold no row.</summary>
    public int Blocks { get; }

    /// <summary>Blocks of a tile, even; the last tile may have fewer.</summary>
    public int TileBlocks { get; }

    public int Tiles { get; }

    /// <summary>[D]: what is taken from every row before it is coded.</summary>
    public float[] Centre { get; }

    /// <summary>Null where rows are not rotated.</summary>
    public CodedRotation? Rotation { get; set; }

    /// <summary>Rows in tight clusters are ordered by cell; null where they are in no such order, but at random.</summary>
    public CodedCells? Cells { get; set; }

    /// <summary>At least the norm of every row less the centre.</summary>
    public double LargestNorm { get; set; }

    public byte* Codes => codes.Pointer;

    public CodedBlock* BlockBounds => blocks.Pointer;

    /// <summary>The row at each position, or <see cref="NoRow"/>.</summary>
    public uint* Ids => ids.Pointer;

    /// <summary>Bytes held.</summary>
    public long Bytes => (long)Blocks * (BlockBytes + sizeof(CodedBlock) + BlockRows * sizeof(uint)) + Dimension * sizeof(float) + (Cells?.Bytes ?? 0);

    public int BlocksOf(int tile) => Math.Min(TileBlocks, Blocks - tile * TileBlocks);

    public void Dispose()
    {
        codes.Dispose();
        blocks.Dispose();
        ids.Dispose();
        Cells?.Dispose();
    }
}
