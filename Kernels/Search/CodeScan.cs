namespace Osprey.Kernels.Search;

/// <summary>
/// Scans 8-bit codes: exact integer dot products of blocks of rows with a panel of queries, held against thresholds. One subclass is one SIMD
/// level; all give the same sums.
/// </summary>
/// <remarks>
/// Rows lie in blocks of 16: <c>byte [group][16 rows][4 values]</c>, each byte a code in −128 … 127 plus 128, a group being four consecutive
/// values; the dimension is padded to a multiple of four with code 0. Sums are int32: at most 65,536 values of 128 × 127 do not overflow.
/// </remarks>
internal abstract unsafe class CodeScan
{
    /// <summary>Rows of a block.</summary>
    public const int BlockRows = 16;

    /// <summary>Consecutive values of a row that lie together.</summary>
    public const int GroupValues = 4;

    /// <summary>Bytes of a block per group.</summary>
    public const int GroupBytes = BlockRows * GroupValues;

    /// <summary>Values of a row, at most: more could overflow a sum.</summary>
    public const int LargestDimension = 65536;

    /// <summary>The levels that this machine runs, the fastest first; the portable one is always among them.</summary>
    public static IReadOnlyList<CodeScan> All { get; } = [.. Levels()];

    /// <summary>The fastest of <see cref="All"/>.</summary>
    public static CodeScan Best => All[0];

    public abstract string Name { get; }

    /// <summary>Queries of a panel, at most.</summary>
    public abstract int PanelQueries { get; }

    /// <summary>The largest absolute code of a query: 127, or 63 where two products are summed in 16 bits.</summary>
    public abstract int QueryLimit { get; }

    /// <summary>Scans pairs of blocks in order and stops after the first pair in which a sum reaches its threshold.</summary>
    /// <param name="panel"><c>sbyte [group][queries][4]</c>: the queries' codes.</param>
    /// <param name="queries">1 … <see cref="PanelQueries"/>.</param>
    /// <param name="groups">Groups of a row, 1 or more.</param>
    /// <param name="bias">[queries]: −128 times the sum of the query's codes, which takes the rows' + 128 back.</param>
    /// <param name="codes">2·<paramref name="pairs"/> consecutive blocks.</param>
    /// <param name="pairs">0 or more.</param>
    /// <param name="thresholds"><c>int [2·pairs blocks][16]</c>, of which the first <paramref name="queries"/> of a block are read.</param>
    /// <param name="sums"><c>int [queries][32]</c>, the rows of both blocks; written if a pair passes.</param>
    /// <param name="masks">[queries]; bit r is set where row r of the 32 passes; written if a pair passes.</param>
    /// <returns>The pair that passed, or <paramref name="pairs"/> if none did.</returns>
    public abstract int Run(sbyte* panel, int queries, int groups, int* bias, byte* codes, int pairs, int* thresholds, int* sums, uint* masks);

    static IEnumerable<CodeScan> Levels()
    {
        if (Avx512VnniScan.TryCreate() is { } vnni512) yield return vnni512;
        if (AvxVnniScan.IsSupported) yield return new AvxVnniScan();
        if (Avx2Scan.IsSupported) yield return new Avx2Scan();
        if (AdvSimdScan.IsSupported) yield return new AdvSimdScan();
        yield return new PortableScan();
    }
}
