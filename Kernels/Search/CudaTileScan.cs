using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Osprey.Kernels.Search;

/// <summary>
/// The first pass on tensor cores: integer dot products of the 8-bit codes of 128 queries and 128 rows at a time, handed to a sink from the
/// registers they were summed in. Needs sm_80. The sums are exact, so any order gives the same.
/// </summary>
/// <remarks>
/// Eight warps, each 64 queries × 32 rows: 4 × 4 fragments of m16n8k32. Three stages of 64 dimensions go round in 48 KiB of shared memory;
/// while one is multiplied, two are on their way. The stages run on over the borders between a group's tiles, so that the next tile is
/// being read while the sink takes this one.
/// In shared memory an item's 64 codes are four chunks of 16 bytes, chunk c of item i at place c ^ (i/2 mod 4): the eight items that a
/// phase of ldmatrix reads then lie in different banks.
/// </remarks>
static class CudaTileScan
{
    /// <summary>Queries and rows in a tile.</summary>
    public const int Tile = 128;

    public const int Threads = 256;

    /// <summary>Dimensions, and bytes of an item, in a stage. Items are padded to a multiple of it with code 0.</summary>
    public const int StageDepth = 64;

    const int Stages = 3;

    /// <summary>Bytes of a stage: the queries' half, then the rows'.</summary>
    const int StageBytes = 2 * HalfBytes, HalfBytes = Tile * StageDepth;

    /// <summary>Sums, and operands of one step of 32 dimensions. Named registers, declared once: values that ILGPU hands to asm would go through local memory.</summary>
    const string Declare = ".reg .b32 sum<64>; .reg .b32 qa<16>; .reg .b32 rb<8>; .shared .align 128 .b8 stages[49152];";

    const string Clear =
        "mov.b32 sum0, 0; mov.b32 sum1, 0; mov.b32 sum2, 0; mov.b32 sum3, 0; mov.b32 sum4, 0; mov.b32 sum5, 0; mov.b32 sum6, 0; mov.b32 sum7, 0; " +
        "mov.b32 sum8, 0; mov.b32 sum9, 0; mov.b32 sum10, 0; mov.b32 sum11, 0; mov.b32 sum12, 0; mov.b32 sum13, 0; mov.b32 sum14, 0; mov.b32 sum15, 0; " +
        "mov.b32 sum16, 0; mov.b32 sum17, 0; mov.b32 sum18, 0; mov.b32 sum19, 0; mov.b32 sum20, 0; mov.b32 sum21, 0; mov.b32 sum22, 0; mov.b32 sum23, 0; " +
        "mov.b32 sum24, 0; mov.b32 sum25, 0; mov.b32 sum26, 0; mov.b32 sum27, 0; mov.b32 sum28, 0; mov.b32 sum29, 0; mov.b32 sum30, 0; mov.b32 sum31, 0; " +
        "mov.b32 sum32, 0; mov.b32 sum33, 0; mov.b32 sum34, 0; mov.b32 sum35, 0; mov.b32 sum36, 0; mov.b32 sum37, 0; mov.b32 sum38, 0; mov.b32 sum39, 0; " +
        "mov.b32 sum40, 0; mov.b32 sum41, 0; mov.b32 sum42, 0; mov.b32 sum43, 0; mov.b32 sum44, 0; mov.b32 sum45, 0; mov.b32 sum46, 0; mov.b32 sum47, 0; " +
        "mov.b32 sum48, 0; mov.b32 sum49, 0; mov.b32 sum50, 0; mov.b32 sum51, 0; mov.b32 sum52, 0; mov.b32 sum53, 0; mov.b32 sum54, 0; mov.b32 sum55, 0; " +
        "mov.b32 sum56, 0; mov.b32 sum57, 0; mov.b32 sum58, 0; mov.b32 sum59, 0; mov.b32 sum60, 0; mov.b32 sum61, 0; mov.b32 sum62, 0; mov.b32 sum63, 0;";

    /// <summary>Operands of 32 dimensions: four fragments of queries from %0, four of rows (two at a time) from %1.</summary>
    const string Load =
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {qa0, qa1, qa2, qa3}, [%0]; " +
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {qa4, qa5, qa6, qa7}, [%0+1024]; " +
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {qa8, qa9, qa10, qa11}, [%0+2048]; " +
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {qa12, qa13, qa14, qa15}, [%0+3072]; " +
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {rb0, rb1, rb2, rb3}, [%1]; " +
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {rb4, rb5, rb6, rb7}, [%1+1024]; ";

    const string Mma = "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 ";

    const string Multiply =
        Mma + "{sum0, sum1, sum2, sum3}, {qa0, qa1, qa2, qa3}, {rb0, rb1}, {sum0, sum1, sum2, sum3}; " +
        Mma + "{sum4, sum5, sum6, sum7}, {qa0, qa1, qa2, qa3}, {rb2, rb3}, {sum4, sum5, sum6, sum7}; " +
        Mma + "{sum8, sum9, sum10, sum11}, {qa0, qa1, qa2, qa3}, {rb4, rb5}, {sum8, sum9, sum10, sum11}; " +
        Mma + "{sum12, sum13, sum14, sum15}, {qa0, qa1, qa2, qa3}, {rb6, rb7}, {sum12, sum13, sum14, sum15}; " +
        Mma + "{sum16, sum17, sum18, sum19}, {qa4, qa5, qa6, qa7}, {rb0, rb1}, {sum16, sum17, sum18, sum19}; " +
        Mma + "{sum20, sum21, sum22, sum23}, {qa4, qa5, qa6, qa7}, {rb2, rb3}, {sum20, sum21, sum22, sum23}; " +
        Mma + "{sum24, sum25, sum26, sum27}, {qa4, qa5, qa6, qa7}, {rb4, rb5}, {sum24, sum25, sum26, sum27}; " +
        Mma + "{sum28, sum29, sum30, sum31}, {qa4, qa5, qa6, qa7}, {rb6, rb7}, {sum28, sum29, sum30, sum31}; " +
        Mma + "{sum32, sum33, sum34, sum35}, {qa8, qa9, qa10, qa11}, {rb0, rb1}, {sum32, sum33, sum34, sum35}; " +
        Mma + "{sum36, sum37, sum38, sum39}, {qa8, qa9, qa10, qa11}, {rb2, rb3}, {sum36, sum37, sum38, sum39}; " +
        Mma + "{sum40, sum41, sum42, sum43}, {qa8, qa9, qa10, qa11}, {rb4, rb5}, {sum40, sum41, sum42, sum43}; " +
        Mma + "{sum44, sum45, sum46, sum47}, {qa8, qa9, qa10, qa11}, {rb6, rb7}, {sum44, sum45, sum46, sum47}; " +
        Mma + "{sum48, sum49, sum50, sum51}, {qa12, qa13, qa14, qa15}, {rb0, rb1}, {sum48, sum49, sum50, sum51}; " +
        Mma + "{sum52, sum53, sum54, sum55}, {qa12, qa13, qa14, qa15}, {rb2, rb3}, {sum52, sum53, sum54, sum55}; " +
        Mma + "{sum56, sum57, sum58, sum59}, {qa12, qa13, qa14, qa15}, {rb4, rb5}, {sum56, sum57, sum58, sum59}; " +
        Mma + "{sum60, sum61, sum62, sum63}, {qa12, qa13, qa14, qa15}, {rb6, rb7}, {sum60, sum61, sum62, sum63};";

    /// <summary>Group g scans tilesPerGroup tiles of rows for query tile g mod the number of those: neighbours read the same rows at the same time, from the L2 cache.</summary>
    /// <param name="queryCodes">Address of [queryTiles × 128, depth] codes.</param>
    /// <param name="rowCodes">Address of the first row's codes.</param>
    /// <param name="rowPitch">Bytes from a row to the next, a multiple of 16.</param>
    /// <param name="queryTiles">At least 1; bounds and codes fill the last tile.</param>
    /// <param name="rowCount">At least 1.</param>
    /// <param name="depth">A multiple of <see cref="StageDepth"/>.</param>
    /// <param name="tilesPerGroup">Row tiles of a group.</param>
    /// <param name="blank">One integer that asm may overwrite a copy of.</param>
    /// <param name="sink">Takes the sums.</param>
    [CudaKernel(typeof(SurvivorSink))]
    [CudaKernel(typeof(SampleSink))]
    public static void Scan<TSink>(long queryCodes, long rowCodes, long rowPitch, int queryTiles, int rowCount, int depth, int tilesPerGroup, ArrayView<int> blank, TSink sink)
        where TSink : struct, ITileSink
    {
        CudaAsm.Emit(Declare);
        int shared = blank[0];
        CudaAsm.Emit("mov.u32 %0, stages;", shared);
        int thread = Group.IdxX, lane = thread & 31, warp = thread >> 5;
        int rowTiles = (rowCount + Tile - 1) / Tile;
        int firstQuery = Grid.IdxX % queryTiles * Tile, firstTile = Grid.IdxX / queryTiles * tilesPerGroup;
        int tiles = IntrinsicMath.Min(tilesPerGroup, rowTiles - firstTile), stagesPerTile = depth / StageDepth, steps = tiles * stagesPerTile;

        // Copies: this thread's chunk of items i and i + 64 of each side.
        int item = thread >> 2, chunk = thread & 3;
        int target = shared + (item * 4 + (chunk ^ (item >> 1 & 3))) * 16;
        long query = queryCodes + (long)(firstQuery + item) * depth + chunk * 16;

        // ldmatrix: lane l gives the address of item l mod 8 of matrix l / 8. Matrices of queries: items 0–7 and 8–15 of the first 16 bytes, then of the second;
        // of rows: both 16 bytes of items 0–7, then of 8–15.
        int queryItem = (warp & 1) * 64 + (lane & 15), rowItem = (warp >> 1) * 32 + (lane & 7) + (lane >> 4) * 8;
        int querySwizzle = queryItem >> 1 & 3, rowSwizzle = rowItem >> 1 & 3;
        int queryAt0 = (queryItem * 4 + ((lane >> 4) ^ querySwizzle)) * 16, queryAt1 = (queryItem * 4 + ((2 + (lane >> 4)) ^ querySwizzle)) * 16;
        int rowAt0 = HalfBytes + (rowItem * 4 + ((lane >> 3 & 1) ^ rowSwizzle)) * 16, rowAt1 = HalfBytes + (rowItem * 4 + ((2 + (lane >> 3 & 1)) ^ rowSwizzle)) * 16;

        int fetched = 0, fetchTile = firstTile, fetchStage = 0, fetchSlot = 0;
        for (; fetched < Stages - 1; fetched++)
        {
            if (fetched < steps)
            {
                Fetch(target + fetchSlot, query, 64L * depth, Source(rowCodes, rowPitch, rowCount, fetchTile, item, chunk), Source(rowCodes, rowPitch, rowCount, fetchTile, item + 64, chunk), fetchStage * StageDepth);
                fetchStage++;
                if (fetchStage == stagesPerTile)
                {
                    fetchStage = 0;
                    fetchTile++;
                }
                fetchSlot += StageBytes;
            }
            CudaAsm.Emit("cp.async.commit_group;");
        }

        int tile = firstTile, stage = 0, slot = 0;
        CudaAsm.Emit(Clear);
        for (int step = 0; step < steps; step++)
        {
            // All but the latest group of copies have landed, this thread's; after the barrier, everybody's. And everybody is done with the slot before this one.
            CudaAsm.Emit("cp.async.wait_group 1;");
            Group.Barrier();
            if (fetched < steps)
            {
                Fetch(target + fetchSlot, query, 64L * depth, Source(rowCodes, rowPitch, rowCount, fetchTile, item, chunk), Source(rowCodes, rowPitch, rowCount, fetchTile, item + 64, chunk), fetchStage * StageDepth);
                fetched++;
                fetchStage++;
                if (fetchStage == stagesPerTile)
                {
                    fetchStage = 0;
                    fetchTile++;
                }
                fetchSlot = fetchSlot == (Stages - 1) * StageBytes ? 0 : fetchSlot + StageBytes;
            }
            CudaAsm.Emit("cp.async.commit_group;");

            CudaAsm.Emit(Load + Multiply, shared + slot + queryAt0, shared + slot + rowAt0);
            CudaAsm.Emit(Load + Multiply, shared + slot + queryAt1, shared + slot + rowAt1);
            slot = slot == (Stages - 1) * StageBytes ? 0 : slot + StageBytes;
            stage++;
            if (stage == stagesPerTile)
            {
                // A fragment of sums: lane l has queries l/4 and l/4 + 8, rows 2·(l mod 4) and the next.
                TakeTile(sink, blank, firstQuery + (warp & 1) * 64 + (lane >> 2), tile * Tile + (warp >> 1) * 32 + (lane & 3) * 2, rowCount);
                CudaAsm.Emit(Clear);
                stage = 0;
                tile++;
            }
        }
    }

    /// <summary>Address of this thread's chunk of an item of a tile of rows; beyond the last row, that of the last.</summary>
    static long Source(long codes, long pitch, int count, int tile, int item, int chunk) => codes + IntrinsicMath.Min(tile * Tile + item, count - 1) * pitch + chunk * 16;

    static void Fetch(int target, long query, long half, long row0, long row1, int offset)
    {
        CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16;", target, query + offset);
        CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16;", target + HalfBytes / 2, query + half + offset);
        CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16;", target + HalfBytes, row0 + offset);
        CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16;", target + HalfBytes + HalfBytes / 2, row1 + offset);
    }

    /// <summary>Hands this thread's 64 sums to the sink: query + 16·m + {0, 8} and row + 8·n + {0, 1} for m, n in 0 … 3.</summary>
    static void TakeTile<TSink>(TSink sink, ArrayView<int> blank, int query, int row, int rowCount)
        where TSink : struct, ITileSink
    {
        RowBound r0 = sink.Row(IntrinsicMath.Min(row, rowCount - 1)), r1 = sink.Row(IntrinsicMath.Min(row + 1, rowCount - 1));
        RowBound r2 = sink.Row(IntrinsicMath.Min(row + 8, rowCount - 1)), r3 = sink.Row(IntrinsicMath.Min(row + 9, rowCount - 1));
        RowBound r4 = sink.Row(IntrinsicMath.Min(row + 16, rowCount - 1)), r5 = sink.Row(IntrinsicMath.Min(row + 17, rowCount - 1));
        RowBound r6 = sink.Row(IntrinsicMath.Min(row + 24, rowCount - 1)), r7 = sink.Row(IntrinsicMath.Min(row + 25, rowCount - 1));
        int a, b, c, d;

        QueryBound q0 = sink.Query(query), q1 = sink.Query(query + 8);
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum0; mov.b32 %1, sum1; mov.b32 %2, sum2; mov.b32 %3, sum3;", a, b, c, d);
        uint taken = Taken(sink, query, q0, q1, row, r0, r1, a, b, c, d);
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum4; mov.b32 %1, sum5; mov.b32 %2, sum6; mov.b32 %3, sum7;", a, b, c, d);
        taken |= Taken(sink, query, q0, q1, row + 8, r2, r3, a, b, c, d) << 4;
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum8; mov.b32 %1, sum9; mov.b32 %2, sum10; mov.b32 %3, sum11;", a, b, c, d);
        taken |= Taken(sink, query, q0, q1, row + 16, r4, r5, a, b, c, d) << 8;
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum12; mov.b32 %1, sum13; mov.b32 %2, sum14; mov.b32 %3, sum15;", a, b, c, d);
        taken |= Taken(sink, query, q0, q1, row + 24, r6, r7, a, b, c, d) << 12;

        q0 = sink.Query(query + 16);
        q1 = sink.Query(query + 24);
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum16; mov.b32 %1, sum17; mov.b32 %2, sum18; mov.b32 %3, sum19;", a, b, c, d);
        taken |= Taken(sink, query + 16, q0, q1, row, r0, r1, a, b, c, d) << 16;
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum20; mov.b32 %1, sum21; mov.b32 %2, sum22; mov.b32 %3, sum23;", a, b, c, d);
        taken |= Taken(sink, query + 16, q0, q1, row + 8, r2, r3, a, b, c, d) << 20;
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum24; mov.b32 %1, sum25; mov.b32 %2, sum26; mov.b32 %3, sum27;", a, b, c, d);
        taken |= Taken(sink, query + 16, q0, q1, row + 16, r4, r5, a, b, c, d) << 24;
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum28; mov.b32 %1, sum29; mov.b32 %2, sum30; mov.b32 %3, sum31;", a, b, c, d);
        taken |= Taken(sink, query + 16, q0, q1, row + 24, r6, r7, a, b, c, d) << 28;
        Append(sink, taken, query, row);

        q0 = sink.Query(query + 32);
        q1 = sink.Query(query + 40);
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum32; mov.b32 %1, sum33; mov.b32 %2, sum34; mov.b32 %3, sum35;", a, b, c, d);
        taken = Taken(sink, query + 32, q0, q1, row, r0, r1, a, b, c, d);
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum36; mov.b32 %1, sum37; mov.b32 %2, sum38; mov.b32 %3, sum39;", a, b, c, d);
        taken |= Taken(sink, query + 32, q0, q1, row + 8, r2, r3, a, b, c, d) << 4;
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum40; mov.b32 %1, sum41; mov.b32 %2, sum42; mov.b32 %3, sum43;", a, b, c, d);
        taken |= Taken(sink, query + 32, q0, q1, row + 16, r4, r5, a, b, c, d) << 8;
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum44; mov.b32 %1, sum45; mov.b32 %2, sum46; mov.b32 %3, sum47;", a, b, c, d);
        taken |= Taken(sink, query + 32, q0, q1, row + 24, r6, r7, a, b, c, d) << 12;

        q0 = sink.Query(query + 48);
        q1 = sink.Query(query + 56);
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum48; mov.b32 %1, sum49; mov.b32 %2, sum50; mov.b32 %3, sum51;", a, b, c, d);
        taken |= Taken(sink, query + 48, q0, q1, row, r0, r1, a, b, c, d) << 16;
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum52; mov.b32 %1, sum53; mov.b32 %2, sum54; mov.b32 %3, sum55;", a, b, c, d);
        taken |= Taken(sink, query + 48, q0, q1, row + 8, r2, r3, a, b, c, d) << 20;
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum56; mov.b32 %1, sum57; mov.b32 %2, sum58; mov.b32 %3, sum59;", a, b, c, d);
        taken |= Taken(sink, query + 48, q0, q1, row + 16, r4, r5, a, b, c, d) << 24;
        (a, b, c, d) = (blank[0], blank[0], blank[0], blank[0]);
        CudaAsm.Emit("mov.b32 %0, sum60; mov.b32 %1, sum61; mov.b32 %2, sum62; mov.b32 %3, sum63;", a, b, c, d);
        taken |= Taken(sink, query + 48, q0, q1, row + 24, r6, r7, a, b, c, d) << 28;
        Append(sink, taken, query + 32, row);
    }

    /// <summary>A fragment's four sums: bit 2·(second query) + (second row) is set where the sink wants the pair appended.</summary>
    static uint Taken<TSink>(TSink sink, int query, QueryBound q0, QueryBound q1, int row, RowBound r0, RowBound r1, int a, int b, int c, int d)
        where TSink : struct, ITileSink
    {
        uint taken = sink.Takes(query, q0, row, r0, a) ? 1u : 0;
        taken |= sink.Takes(query, q0, row + 1, r1, b) ? 2u : 0;
        taken |= sink.Takes(query + 8, q1, row, r0, c) ? 4u : 0;
        taken |= sink.Takes(query + 8, q1, row + 1, r1, d) ? 8u : 0;
        return taken;
    }

    /// <summary>Few pairs survive, so one loop over the bits of two rows of fragments is enough code for all.</summary>
    static void Append<TSink>(TSink sink, uint taken, int query, int row)
        where TSink : struct, ITileSink
    {
        for (; taken != 0; taken &= taken - 1)
        {
            int bit = IntrinsicMath.BitOperations.TrailingZeroCount(taken);
            sink.Append(query + (bit >> 4) * 16 + (bit >> 1 & 1) * 8, row + (bit >> 2 & 3) * 8 + (bit & 1));
        }
    }
}
