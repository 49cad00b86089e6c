using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Search;

/// <summary>Makes <see cref="CodedRows"/>: every row is read once, in the order of the positions, tile by tile.</summary>
/// <remarks>
/// The centre is the mean of a sample: any centre is right, and a good one makes rows short. Rows are rotated where a sample's largest values
/// then become clearly smaller. Within a tile rows are sorted by the size of their codes' step (L2: by norm), so that the sixteen of a block are
/// alike and bounds that hold for all of them are tight.
/// </remarks>
sealed unsafe class CodedBuild : IDisposable
{
    /// <summary>Rows whose mean is the centre.</summary>
    const int CentreRows = 4096;

    /// <summary>Rows on which the rotation is tried.</summary>
    const int TrialRows = 256;

    /// <summary>A rotation must bring the squared steps of the codes below this share.</summary>
    const double WorthRotating = 0.7;

    /// <summary>Values beyond this would bring squares near the end of float32; such rows are not coded.</summary>
    const float LargestValue = 1e15f;

    /// <summary>A finer step than this is not used, so that its inverse is far from the end of float32.</summary>
    const float LargestScale = 1e30f;

    readonly PinnedRows source;
    readonly CodedRows rows;
    readonly int stride;
    readonly float[] centre;
    readonly double summing, working;
    readonly Scratch<float>[] values;
    readonly Scratch<uint>[] tileIds;
    readonly ulong[][] keys;
    readonly double[] largestNorms;
    readonly float[] largestValues;
    int next = -1;
    long badRow = long.MaxValue;

    CodedBuild(PinnedRows source, CodedRows rows, int threads)
    {
        this.source = source;
        this.rows = rows;
        stride = (rows.Dimension + 15) / 16 * 16;
        centre = new float[stride];
        values = new Scratch<float>[threads];
        tileIds = new Scratch<uint>[threads];
        keys = new ulong[threads][];
        for (int t = 0; t < threads; t++)
        {
            (values[t] = new Scratch<float>()).Ensure((nint)Math.Max(rows.TileBlocks * 16, TrialRows) * stride);
            (tileIds[t] = new Scratch<uint>()).Ensure(rows.TileBlocks * 16);
            keys[t] = new ulong[rows.TileBlocks * 16];
        }
        largestNorms = new double[threads];
        largestValues = new float[threads];
        // Squares are summed in sixteen chains; the difference and the rotation are rounded once per step.
        summing = (stride / 16 + 24) * 1.01 / (1 << 24);
        working = 2.0 / (1 << 24);
    }

    /// <summary>The codes of rows; null where values are so large that float32 could not hold the bounds.</summary>
    /// <exception cref="ArgumentException">A row holds a value that is not finite; the message names it.</exception>
    public static CodedRows? Create(PinnedRows source, Similarity similarity, HostTeam team, int threads, ulong seed)
    {
        var rows = new CodedRows(source.Count, source.Dimension, similarity, seed);
        using var build = new CodedBuild(source, rows, threads);
        build.Order();
        build.Centre();
        build.TryRotation();
        rows.Cells = CellBuild.TryCreate(build, rows, team, threads);
        team.Run(build.Consume, threads);
        if (build.badRow < long.MaxValue)
        {
            rows.Dispose();
            throw NotFinite(build.badRow);
        }
        rows.LargestNorm = build.largestNorms.Max();
        if (build.largestValues.Max() <= LargestValue) return rows;
        rows.Dispose();
        return null;
    }

    static ArgumentException NotFinite(long row) => new($"row {row} holds a value that is not a finite number; no ranking is defined for it");

    /// <summary>For rows that are not coded.</summary>
    /// <exception cref="ArgumentException">A row holds a value that is not finite; the message names it.</exception>
    public static void RequireFinite(PinnedRows source)
    {
        for (long id = 0; id < source.Count; id++)
        {
            float* row = source.Row(id);
            for (int d = 0; d < source.Dimension; d++)
                if (!float.IsFinite(row[d])) throw NotFinite(id);
        }
    }

    /// <summary>A random order of the ids.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Order()
    {
        uint* ids = rows.Ids;
        var random = new SplitMix(rows.Seed);
        long count = rows.Count;
        for (long i = 0; i < count; i++)
        {
            // Inside out: position i takes the row of a random earlier place, which takes row i.
            long j = (long)random.Below((ulong)i + 1);
            ids[i] = ids[j];
            ids[j] = (uint)i;
        }
        for (long i = count; i < (long)rows.Blocks * 16; i++) ids[i] = CodedRows.NoRow;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Centre()
    {
        int sample = (int)Math.Min(CentreRows, rows.Count);
        if (sample == 0) return;
        double[] sums = new double[rows.Dimension];
        float[] partial = new float[stride];
        for (int i = 0; i < sample; i++)
        {
            float* row = source.Row(rows.Ids[i]);
            int d = 0;
            fixed (float* to = partial)
            {
                for (; d + 16 <= rows.Dimension; d += 16) (Vector512.Load(to + d) + Vector512.Load(row + d)).Store(to + d);
                for (; d < rows.Dimension; d++) to[d] += row[d];
            }
            if (i % 64 != 63 && i != sample - 1) continue;
            for (d = 0; d < rows.Dimension; d++) sums[d] += partial[d];
            Array.Clear(partial);
        }
        for (int d = 0; d < rows.Dimension; d++)
        {
            float mean = (float)(sums[d] / sample);
            // A sample with values that are not finite, or too large: those rows are found when they are read.
            rows.Centre[d] = centre[d] = MathF.Abs(mean) <= LargestValue ? mean : 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void TryRotation()
    {
        if (rows.Dimension < CodedRotation.LeastDimension || rows.Count == 0) return;
        var rotation = new CodedRotation(rows.Dimension, rows.Seed);
        double before = 0, after = 0;
        float* y = values[0].Pointer;
        for (int i = 0; i < Math.Min(TrialRows, rows.Count); i++)
        {
            float most = Take(rows.Ids[i], y);
            if (!float.IsFinite(most) || most == 0) continue;
            double square = (double)most * most;
            rotation.Apply(y);
            most = Largest(y);
            // Relative to the row's norm, so that no long row decides alone.
            double norm = 0;
            for (int d = 0; d < rows.Dimension; d++) norm += (double)y[d] * y[d];
            before += square / norm;
            after += (double)most * most / norm;
        }
        if (after < WorthRotating * before) rows.Rotation = rotation;
    }

    void Consume(int worker)
    {
        for (int tile = Interlocked.Increment(ref next); tile < rows.Tiles; tile = Interlocked.Increment(ref next)) Encode(tile, worker);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Encode(int tile, int worker)
    {
        int firstBlock = tile * rows.TileBlocks, places = rows.BlocksOf(tile) * 16;
        uint* ids = rows.Ids + (nint)firstBlock * 16, sorted = tileIds[worker].Pointer;
        float* y = values[worker].Pointer;
        ulong[] order = keys[worker];
        for (int i = 0; i < places; i++)
        {
            uint id = ids[i];
            if (id == CodedRows.NoRow)
            {
                order[i] = (ulong)uint.MaxValue << 32 | (uint)i;
                continue;
            }
            if (i + 2 < places && ids[i + 2] != CodedRows.NoRow) Prefetch(source.Row(ids[i + 2]));
            float* row = y + (nint)i * stride;
            float most = Take(id, row);
            if (float.IsNaN(most))
            {
                KeepLeast(ref badRow, id);
                most = 0;
            }
            largestValues[worker] = Math.Max(largestValues[worker], most);
            if (rows.Rotation is not null)
            {
                rows.Rotation.Apply(row);
                most = Largest(row);
            }
            float key = rows.Similarity == Similarity.L2 ? SquaredNorm(row) : most;
            // Neither is negative, so its bits order as it does.
            order[i] = (ulong)BitConverter.SingleToUInt32Bits(key) << 32 | (uint)i;
        }
        if (Interlocked.Read(ref badRow) < long.MaxValue) return;
        Sort(firstBlock * 16, order.AsSpan(0, places), y);
        for (int i = 0; i < places; i++) sorted[i] = ids[(int)order[i]];
        for (int b = 0; b < places / 16; b++)
        {
            CodedBlock bounds = EncodeBlock(y, order.AsSpan(b * 16, 16), sorted + b * 16, rows.Codes + (nint)(firstBlock + b) * rows.BlockBytes);
            rows.BlockBounds[firstBlock + b] = bounds;
            largestNorms[worker] = Math.Max(largestNorms[worker], bounds.Norm);
        }
        new ReadOnlySpan<uint>(sorted, places).CopyTo(new Span<uint>(ids, places));
    }

    /// <summary>Sorts a tile's rows, those of a cell among themselves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Sort(int first, Span<ulong> order, float* y)
    {
        if (rows.Cells is not { } cells)
        {
            order.Sort();
            return;
        }
        int end = (int)Math.Min(first + order.Length, rows.Count);
        for (int at = first, to; at < end; at = to)
        {
            int cell = cells.CellAt(at);
            to = Math.Min(end, cells.End(cell));
            Span<ulong> part = order[(at - first)..(to - first)];
            part.Sort();
            cells.Include(cell, y, part, stride, working + (rows.Rotation?.RelativeError ?? 0), rows.Similarity);
        }
    }

    static void KeepLeast(ref long least, long value)
    {
        for (long seen = Interlocked.Read(ref least); value < seen;)
        {
            long before = Interlocked.CompareExchange(ref least, value, seen);
            if (before == seen) return;
            seen = before;
        }
    }

    /// <summary>Values from row to row where rows are worked on: D, padded with zeros.</summary>
    public int Stride => stride;

    /// <summary>A row less the centre, rotated where rows are.</summary>
    public void Read(long id, float* to)
    {
        Take(id, to);
        rows.Rotation?.Apply(to);
    }

    /// <summary>The row of a position will soon be read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(long position)
    {
        if (position < rows.Count) Prefetch(source.Row(rows.Ids[position]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void Prefetch(float* row)
    {
        if (!Sse.IsSupported) return;
        for (int d = 0; d < rows.Dimension; d += 16) Sse.Prefetch0(row + d);
    }

    /// <summary>A row less the centre, with zeros up to the stride. Returns the largest magnitude; NaN if a value of the row is not finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    float Take(long id, float* to)
    {
        float* from = source.Row(id);
        int dimension = rows.Dimension, d = 0;
        Vector512<float> most = Vector512<float>.Zero, bad = most;
        fixed (float* mean = centre)
        {
            for (; d + 16 <= dimension; d += 16)
            {
                Vector512<float> x = Vector512.Load(from + d), y = x - Vector512.Load(mean + d);
                // 0 times anything that is not finite is not a number, and stays so.
                bad = Vector512.FusedMultiplyAdd(x, Vector512<float>.Zero, bad);
                most = Vector512.Max(most, Vector512.Abs(y));
                y.Store(to + d);
            }
            if (d < dimension)
            {
                Vector512<float> x = Lanes.LoadFirst(from + d, dimension - d, 0), y = x - Vector512.Load(mean + d);
                bad = Vector512.FusedMultiplyAdd(x, Vector512<float>.Zero, bad);
                most = Vector512.Max(most, Vector512.Abs(y));
                y.Store(to + d);
            }
        }
        return Vector512.Sum(bad) == 0 ? MaxLane(most) : float.NaN;
    }

    float Largest(float* y)
    {
        Vector512<float> most = Vector512<float>.Zero;
        for (int d = 0; d < stride; d += 16) most = Vector512.Max(most, Vector512.Abs(Vector512.Load(y + d)));
        return MaxLane(most);
    }

    /// <summary>‖y‖², of values padded to <see cref="Stride"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float SquaredNorm(float* y)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int d = 0; d < stride; d += 16) sum = Vector512.FusedMultiplyAdd(Vector512.Load(y + d), Vector512.Load(y + d), sum);
        return Vector512.Sum(sum);
    }

    static float MaxLane(Vector512<float> lanes)
    {
        Vector256<float> half = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
        Vector128<float> quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return Math.Max(Math.Max(quarter[0], quarter[1]), Math.Max(quarter[2], quarter[3]));
    }

    /// <summary>Sixteen rows with the one scale that fits the largest value among them.</summary>
    CodedBlock EncodeBlock(float* y, ReadOnlySpan<ulong> order, uint* ids, byte* codes)
    {
        float** row = stackalloc float*[16];
        float most = 0;
        int present = 0;
        for (int i = 0; i < 16; i++)
        {
            row[i] = null;
            if (ids[i] == CodedRows.NoRow) continue;
            row[i] = y + (nint)(uint)order[i] * stride;
            most = Math.Max(most, Largest(row[i]));
            present++;
        }
        float scale = most > 0 ? Math.Min(127 / most, LargestScale) : 1;
        // No row: never reaches a threshold.
        if (present == 0)
        {
            new Span<byte>(codes, rows.BlockBytes).Fill(128);
            return new CodedBlock(1, 0, 0, float.PositiveInfinity);
        }
        float* residuals = stackalloc float[16], norms = stackalloc float[16];
        for (int i = 0; i < 16; i += 4) EncodeFour(row + i, scale, codes + i * CodeScan.GroupValues, residuals + i, norms + i);
        double residual = 0, norm = 0, least = double.PositiveInfinity;
        for (int i = 0; i < 16; i++)
        {
            if (row[i] is null) continue;
            double n = Math.Sqrt(norms[i]) / scale;
            residual = Math.Max(residual, Math.Sqrt(residuals[i]) / scale);
            norm = Math.Max(norm, n);
            least = Math.Min(least, n);
        }
        double rounding = working + (rows.Rotation?.RelativeError ?? 0);
        norm *= 1 + summing + 2 * rounding;
        // The rounding of y, and squares too small for float32.
        residual = (residual * (1 + summing)) + (2 * rounding * norm);
        least = Math.Max(0, (least * (1 - summing)) - (2 * rounding * norm));
        return new CodedBlock(
            scale,
            MathF.BitIncrement((float)residual),
            MathF.BitIncrement((float)norm),
            rows.Similarity == Similarity.L2 ? (float)(least * least / 2 * (1 - 1e-6)) : 0);
    }

    /// <summary>Codes of four rows into their places of the block, and the sums of the squares of (s·y − c) and of s·y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void EncodeFour(float** row, float scale, byte* codes, float* residuals, float* norms)
    {
        Vector512<float> s = Vector512.Create(scale);
        Vector512<float> r0 = Vector512<float>.Zero, r1 = r0, r2 = r0, r3 = r0, n0 = r0, n1 = r0, n2 = r0, n3 = r0;
        int groups = rows.Groups;
        for (int d = 0, g = 0; g < groups; d += 16, g += 4)
        {
            Vector512<short> low = Vector512.Narrow(Code(row[0], d, s, ref r0, ref n0), Code(row[1], d, s, ref r1, ref n1));
            Vector512<short> high = Vector512.Narrow(Code(row[2], d, s, ref r2, ref n2), Code(row[3], d, s, ref r3, ref n3));
            // Four rows of four groups each become four groups of four rows each.
            Vector512<int> bytes = (Vector512.Narrow(low, high).AsByte() ^ Vector512.Create((byte)128)).AsInt32();
            bytes = Vector512.Shuffle(bytes, Vector512.Create(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
            byte* to = codes + (nint)g * CodeScan.GroupBytes;
            bytes.GetLower().GetLower().AsByte().Store(to);
            if (g + 1 < groups) bytes.GetLower().GetUpper().AsByte().Store(to + CodeScan.GroupBytes);
            if (g + 2 < groups) bytes.GetUpper().GetLower().AsByte().Store(to + (2 * CodeScan.GroupBytes));
            if (g + 3 < groups) bytes.GetUpper().GetUpper().AsByte().Store(to + (3 * CodeScan.GroupBytes));
        }
        residuals[0] = Vector512.Sum(r0);
        residuals[1] = Vector512.Sum(r1);
        residuals[2] = Vector512.Sum(r2);
        residuals[3] = Vector512.Sum(r3);
        norms[0] = Vector512.Sum(n0);
        norms[1] = Vector512.Sum(n1);
        norms[2] = Vector512.Sum(n2);
        norms[3] = Vector512.Sum(n3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<int> Code(float* row, int d, Vector512<float> scale, ref Vector512<float> residual, ref Vector512<float> norm)
    {
        if (row is null) return Vector512<int>.Zero;
        Vector512<float> y = Vector512.Load(row + d), scaled = y * scale, code = Vector512.Round(scaled);
        // One rounding, of a difference that is at most a half.
        Vector512<float> rest = Vector512.FusedMultiplyAdd(y, scale, -code);
        residual = Vector512.FusedMultiplyAdd(rest, rest, residual);
        norm = Vector512.FusedMultiplyAdd(scaled, scaled, norm);
        return Vector512.ConvertToInt32Native(code);
    }

    public void Dispose()
    {
        foreach (Scratch<float> scratch in values) scratch.Dispose();
        foreach (Scratch<uint> scratch in tileIds) scratch.Dispose();
    }
}
