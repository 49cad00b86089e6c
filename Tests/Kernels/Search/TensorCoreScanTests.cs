using System.Runtime.InteropServices;
using ILGPU;
using NUnit.Framework;
using Osprey.Kernels.Search;
using Osprey.Tests.Ptx;

namespace Osprey.Tests.Kernels.Search;

/// <summary>The first pass on tensor cores, as the PTX that a GPU would get, in the interpreter: every integer sum, and every survivor.</summary>
[TestFixture]
public sealed class TensorCoreScanTests
{
    /// <summary>An <c>ArrayView</c> in a kernel's arguments.</summary>
    [StructLayout(LayoutKind.Sequential)]
    readonly struct View(ulong address, long length)
    {
        public readonly ulong Address = address;
        public readonly long Length = length;
    }

    /// <summary><see cref="EligibleRows"/> as an argument.</summary>
    [StructLayout(LayoutKind.Sequential)]
    readonly struct Eligible(View excluded, View allowed, long firstId)
    {
        public readonly View Excluded = excluded, Allowed = allowed;
        public readonly long FirstId = firstId;
    }

    /// <summary><see cref="SampleSink"/> as an argument.</summary>
    [StructLayout(LayoutKind.Sequential)]
    readonly struct Sample(View rows, View queries, Eligible eligible, View scores, int sampled, int stride, int pitch, int first, int queryCount)
    {
        public readonly View Rows = rows, Queries = queries;
        public readonly Eligible Eligible = eligible;
        public readonly View Scores = scores;
        public readonly int Sampled = sampled, Stride = stride, Pitch = pitch, First = first, QueryCount = queryCount;
    }

    /// <summary><see cref="SurvivorSink"/> as an argument.</summary>
    [StructLayout(LayoutKind.Sequential)]
    readonly struct Survivors(View rows, View queries, Eligible eligible, View counts, View entries, int capacity)
    {
        public readonly View Rows = rows, Queries = queries;
        public readonly Eligible Eligible = eligible;
        public readonly View Counts = counts, Entries = entries;
        public readonly int Capacity = capacity;
    }

    static View Of<T>(PtxBuffer<T> buffer)
        where T : unmanaged => new(buffer.Address, buffer.Length);

    /// <summary>Random codes, −127 … 127, extremes often.</summary>
    sealed class Gallery
    {
        public Gallery(int queries, int rows, int stride, int depth, float[]? thresholds = null)
        {
            (Queries, Rows, Stride, Depth) = (queries, rows, stride, depth);
            var random = new Random(queries + rows + depth);
            int padded = QueryCodes.Padded(queries);
            sbyte Draw() => random.Next(8) == 0 ? (sbyte)(random.Next(2) * 254 - 127) : (sbyte)random.Next(-127, 128);
            queryCodes = [.. Enumerable.Range(0, padded * depth).Select(i => i < queries * depth ? Draw() : (sbyte)0)];
            // Stride 0 would be no gallery; the last row has no others after it.
            rowCodes = [.. Enumerable.Range(0, ((rows - 1) * stride + 1) * depth).Select(_ => Draw())];
            RowBounds = [.. Enumerable.Range(0, (rows - 1) * stride + 1).Select(i => new RowBound(1, 0, 0, i % 3))];
            QueryBounds = [.. Enumerable.Range(0, padded).Select(q => q < queries ? new QueryBound(1, 0, 0, thresholds?[q] ?? 0) : new QueryBound(0, 0, 0, float.PositiveInfinity))];
        }

        readonly sbyte[] queryCodes, rowCodes;

        public int Queries { get; }
        public int Rows { get; }
        public int Stride { get; }
        public int Depth { get; }
        public RowBound[] RowBounds { get; }
        public QueryBound[] QueryBounds { get; }
        public PtxGlobalMemory Memory { get; } = new();

        /// <summary>Scores as the sinks make them of the sums: exact in fp32 at these sizes.</summary>
        public float Score(int query, int row)
        {
            int dot = 0;
            for (int d = 0; d < Depth; d++) dot += queryCodes[query * Depth + d] * rowCodes[row * Stride * Depth + d];
            return dot + row * Stride % 3;
        }

        public void Launch(Type sink, object argument, int tilesPerGroup)
        {
            PtxBuffer<sbyte> queries = Memory.Holding<sbyte>(queryCodes), rows = Memory.Holding<sbyte>(rowCodes);
            long pitch = (long)Stride * Depth;
            if (Queries <= CudaNarrowScan.Queries)
            {
                PtxKernel.Of(typeof(CudaNarrowScan), nameof(CudaNarrowScan.Scan), sink).Launch(
                    Memory, new KernelConfig(2, CudaNarrowScan.Threads), (long)queries.Address, (long)rows.Address, pitch, Rows, Depth, argument);
            }
            else
            {
                int queryTiles = QueryBounds.Length / CudaTileScan.Tile, rowTiles = (Rows + CudaTileScan.Tile - 1) / CudaTileScan.Tile;
                int groups = (rowTiles + tilesPerGroup - 1) / tilesPerGroup * queryTiles;
                PtxKernel.Of(typeof(CudaTileScan), nameof(CudaTileScan.Scan), sink).Launch(
                    Memory, new KernelConfig(groups, CudaTileScan.Threads), (long)queries.Address, (long)rows.Address, pitch, queryTiles, Rows, Depth, tilesPerGroup,
                    Memory.Holding(-1), argument);
            }
        }
    }

    [TestCase(9, 1, 1, 64, 1)]
    [TestCase(100, 130, 1, 128, 1)]
    [TestCase(130, 127, 1, 192, 1)]
    [TestCase(40, 300, 1, 64, 2)]
    [TestCase(12, 400, 1, 320, 4)]
    [TestCase(20, 150, 5, 128, 1)]
    [TestCase(1, 1, 1, 64, 0)]
    [TestCase(8, 271, 1, 128, 0)]
    [TestCase(3, 40, 3, 192, 0)]
    [TestCase(5, 17, 1, 448, 0)]
    public void Every_sum_of_a_sample_is_right(int queries, int rows, int stride, int depth, int tilesPerGroup)
    {
        const int First = 3, Behind = 2;
        var gallery = new Gallery(queries, rows, stride, depth);
        int pitch = First + rows + Behind;
        PtxBuffer<float> scores = gallery.Memory.Holding<float>([.. Enumerable.Repeat(-0.5f, queries * pitch)]);
        gallery.Launch(typeof(SampleSink), new Sample(
            Of(gallery.Memory.Holding<RowBound>(gallery.RowBounds)), Of(gallery.Memory.Holding<QueryBound>(gallery.QueryBounds)),
            new Eligible(Of(gallery.Memory.Holding<long>([.. Enumerable.Repeat(-1L, queries)])), default, 0),
            Of(scores), rows, stride, pitch, First, queries), tilesPerGroup);
        float[] got = scores.ToArray();
        for (int q = 0; q < queries; q++)
        {
            for (int i = 0; i < pitch; i++)
            {
                bool inside = i >= First && i < First + rows;
                Assert.That(got[q * pitch + i], Is.EqualTo(inside ? gallery.Score(q, i - First) : -0.5f), $"query {q}, column {i}");
            }
        }
    }

    [TestCase(30, 200, 128, 2)]
    [TestCase(129, 100, 64, 1)]
    [TestCase(6, 90, 128, 0)]
    public void Every_survivor_is_listed_and_no_other(int queries, int rows, int depth, int tilesPerGroup)
    {
        const int Capacity = 24, FirstId = 40;
        // Thresholds from "all" by "some" and "just the best" to "none".
        var scores = new Gallery(queries, rows, 1, depth);
        float[] thresholds = [.. Enumerable.Range(0, queries).Select(q => (q % 5) switch
        {
            0 => float.NegativeInfinity,
            1 => float.PositiveInfinity,
            2 => Enumerable.Range(0, rows).Max(r => scores.Score(q, r)),
            _ => Enumerable.Range(0, rows).Select(r => scores.Score(q, r)).Order().ElementAt(rows - 1 - q % 20),
        })];
        var gallery = new Gallery(queries, rows, 1, depth, thresholds);
        long[] excluded = [.. Enumerable.Range(0, queries).Select(q => q % 2 == 0 ? -1L : FirstId + q % rows)];
        var allowed = new ulong[(FirstId + rows + 63) / 64];
        for (int id = 0; id < FirstId + rows; id++) if (id % 7 != 3) allowed[id / 64] |= 1UL << (id % 64);
        PtxBuffer<int> counts = gallery.Memory.Holding<int>(new int[queries]);
        PtxBuffer<ulong> entries = gallery.Memory.Holding<ulong>([.. Enumerable.Repeat(ulong.MaxValue, queries * Capacity)]);
        gallery.Launch(typeof(SurvivorSink), new Survivors(
            Of(gallery.Memory.Holding<RowBound>(gallery.RowBounds)), Of(gallery.Memory.Holding<QueryBound>(gallery.QueryBounds)),
            new Eligible(Of(gallery.Memory.Holding<long>(excluded)), Of(gallery.Memory.Holding<ulong>(allowed)), FirstId),
            Of(counts), Of(entries), Capacity), tilesPerGroup);
        int[] found = counts.ToArray();
        ulong[] listed = entries.ToArray();
        Assert.That(found.Max(), Is.GreaterThan(Capacity), "some lists overflow");
        for (int q = 0; q < queries; q++)
        {
            ulong[] expected = [.. from r in Enumerable.Range(0, rows)
                                   let id = FirstId + r
                                   where gallery.Score(q, r) >= thresholds[q] && id != excluded[q] && id % 7 != 3
                                   select (ulong)r];
            ulong[] got = listed[(q * Capacity)..((q + 1) * Capacity)];
            Assert.That(found[q], Is.EqualTo(expected.Length), $"query {q}");
            int kept = Math.Min(found[q], Capacity);
            Assert.That(got[..kept], found[q] <= Capacity ? Is.EquivalentTo(expected) : Is.SubsetOf(expected).And.Unique, $"query {q}");
            Assert.That(got[kept..], Is.All.EqualTo(ulong.MaxValue), $"query {q}: nothing beyond");
        }
    }

    /// <summary>Codes of one sign at their largest: the sums reach 127²·D, which float no longer holds exactly and int must.</summary>
    [Test]
    public void Sums_do_not_saturate()
    {
        const int Depth = 2048;
        var memory = new PtxGlobalMemory();
        PtxBuffer<sbyte> rows = memory.Holding<sbyte>([.. Enumerable.Repeat((sbyte)-127, 16 * Depth)]), queries = memory.Holding<sbyte>([.. Enumerable.Repeat((sbyte)127, 8 * Depth)]);
        PtxBuffer<float> scores = memory.Holding<float>(new float[16]);
        PtxKernel.Of(typeof(CudaNarrowScan), nameof(CudaNarrowScan.Scan), typeof(SampleSink)).Launch(
            memory, new KernelConfig(1, CudaNarrowScan.Threads), (long)queries.Address, (long)rows.Address, (long)Depth, 16, Depth, new Sample(
                Of(memory.Holding<RowBound>([.. Enumerable.Repeat(new RowBound(1, 0, 0, 0), 16)])), Of(memory.Holding<QueryBound>([.. Enumerable.Repeat(new QueryBound(1, 0, 0, 0), 8)])),
                new Eligible(Of(memory.Holding<long>(-1)), default, 0), Of(scores), 16, 1, 16, 0, 1));
        Assert.That(scores.ToArray(), Is.All.EqualTo(-127f * 127 * Depth));
    }
}
