using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Osprey.Kernels.Search;

/// <summary>
/// The first pass on tensor cores for at most eight queries: a warp multiplies 16 rows at a time, and each code is read once from memory,
/// straight into the registers it is multiplied from. Needs sm_80.
/// </summary>
/// <remarks>
/// In m16n8k32 a lane holds four neighbouring codes at two places of the 32. A dot product does not mind in which order its dimensions
/// come if both sides agree, so lane t of a row's four takes 16 neighbouring codes of 64, which is one wide load, and they serve two
/// multiplications.
/// </remarks>
static class CudaNarrowScan
{
    /// <summary>Queries; fewer are padded.</summary>
    public const int Queries = 8;

    public const int Threads = 256;

    /// <summary>Rows of a warp's step.</summary>
    public const int WarpRows = 16;

    const string Declare = ".reg .b32 sum<4>; .reg .b32 ra<8>; .reg .b32 qb<4>;";

    const string Clear = "mov.b32 sum0, 0; mov.b32 sum1, 0; mov.b32 sum2, 0; mov.b32 sum3, 0;";

    const string Mma = "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {sum0, sum1, sum2, sum3}, ";

    /// <summary>64 dimensions: a row from %0, the row eight below from %1, a query from %2.</summary>
    const string Multiply =
        "ld.global.v4.b32 {ra0, ra1, ra2, ra3}, [%0]; ld.global.v4.b32 {ra4, ra5, ra6, ra7}, [%1]; ld.global.v4.b32 {qb0, qb1, qb2, qb3}, [%2]; " +
        Mma + "{ra0, ra4, ra1, ra5}, {qb0, qb1}, {sum0, sum1, sum2, sum3}; " +
        Mma + "{ra2, ra6, ra3, ra7}, {qb2, qb3}, {sum0, sum1, sum2, sum3};";

    const string MultiplySecond =
        "ld.global.v4.b32 {ra0, ra1, ra2, ra3}, [%0+64]; ld.global.v4.b32 {ra4, ra5, ra6, ra7}, [%1+64]; ld.global.v4.b32 {qb0, qb1, qb2, qb3}, [%2+64]; " +
        Mma + "{ra0, ra4, ra1, ra5}, {qb0, qb1}, {sum0, sum1, sum2, sum3}; " +
        Mma + "{ra2, ra6, ra3, ra7}, {qb2, qb3}, {sum0, sum1, sum2, sum3};";

    /// <summary>Warps take blocks of 16 rows in turn.</summary>
    /// <param name="queryCodes">Address of [8, depth] codes.</param>
    /// <param name="rowCodes">Address of the first row's codes.</param>
    /// <param name="rowPitch">Bytes from a row to the next, a multiple of 16.</param>
    /// <param name="rowCount">At least 1.</param>
    /// <param name="depth">A multiple of 64.</param>
    /// <param name="sink">Takes the sums.</param>
    [CudaKernel(typeof(SurvivorSink))]
    [CudaKernel(typeof(SampleSink))]
    public static void Scan<TSink>(long queryCodes, long rowCodes, long rowPitch, int rowCount, int depth, TSink sink)
        where TSink : struct, ITileSink
    {
        CudaAsm.Emit(Declare);
        int lane = Group.IdxX & 31, warps = Grid.DimX * (Threads / 32), blocks = (rowCount + WarpRows - 1) / WarpRows;
        // Lane l holds row l/4 and the eighth after it, and for them the sums of queries 2·(l mod 4) and the next.
        int item = lane >> 2, place = lane & 3;
        long query = queryCodes + (long)item * depth + place * 16;
        QueryBound query0 = sink.Query(2 * place), query1 = sink.Query(2 * place + 1);
        for (int block = Grid.IdxX * (Threads / 32) + (Group.IdxX >> 5); block < blocks; block += warps)
        {
            int row = block * WarpRows + item, inside0 = IntrinsicMath.Min(row, rowCount - 1), inside1 = IntrinsicMath.Min(row + 8, rowCount - 1);
            long from0 = rowCodes + inside0 * rowPitch + place * 16, from1 = rowCodes + inside1 * rowPitch + place * 16;
            CudaAsm.Emit(Clear);
            int d = 0;
            for (; d + 128 <= depth; d += 128)
            {
                CudaAsm.Emit(Multiply, from0 + d, from1 + d, query + d);
                CudaAsm.Emit(MultiplySecond, from0 + d, from1 + d, query + d);
            }
            if (d < depth) CudaAsm.Emit(Multiply, from0 + d, from1 + d, query + d);

            RowBound bound0 = sink.Row(inside0), bound1 = sink.Row(inside1);
            CudaAsm.Emit("mov.b32 %0, sum0;", out int dot);
            if (sink.Takes(2 * place, query0, row, bound0, dot)) sink.Append(2 * place, row);
            CudaAsm.Emit("mov.b32 %0, sum1;", out dot);
            if (sink.Takes(2 * place + 1, query1, row, bound0, dot)) sink.Append(2 * place + 1, row);
            CudaAsm.Emit("mov.b32 %0, sum2;", out dot);
            if (sink.Takes(2 * place, query0, row + 8, bound1, dot)) sink.Append(2 * place, row + 8);
            CudaAsm.Emit("mov.b32 %0, sum3;", out dot);
            if (sink.Takes(2 * place + 1, query1, row + 8, bound1, dot)) sink.Append(2 * place + 1, row + 8);
        }
    }
}
