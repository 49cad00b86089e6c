using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Osprey.Kernels.Arithmetic;
using Osprey.Kernels.Search;

namespace Osprey.Kernels.Floors;

/// <summary>What the host's cores can do at most, measured: no kernel that moves as many bytes or multiplies as often takes less time.</summary>
/// <param name="CopyGbps">Bytes read and written per second by a copy of arrays far beyond the caches, in 10⁹; the better of plain and streaming stores.</param>
/// <param name="ReadGbps">Bytes read per second by a sum over such an array, in 10⁹.</param>
/// <param name="MultiplyGflops">Multiplications and additions per second of chained float32 multiply-adds in registers, in 10⁹.</param>
/// <param name="CodeGops">Multiplications and additions per second of the search's 8-bit micro-kernel on rows in the cache of which none passes, in 10⁹.</param>
/// <param name="CodeLevel">That micro-kernel's name.</param>
public sealed record HostFloors(double CopyGbps, double ReadGbps, double MultiplyGflops, double CodeGops, string CodeLevel)
{
    /// <summary>Values of each of the two arrays: 128 MiB, four times a large last-level cache.</summary>
    const int Values = 1 << 25;

    /// <summary>Values of one chunk: a thread is given many, so that a late one holds nobody up.</summary>
    const int ChunkValues = 1 << 18;

    const int Passes = 7;

    /// <summary>Multiply-adds of one lane in one chunk of the multiply floor.</summary>
    const int ChainSteps = 12 * 400_000;

    /// <summary>Rows of 512 values, 128 KiB of them: in the second-level cache, as a search keeps its tile.</summary>
    const int CodeGroups = 128, CodePairs = 8;

    const int CodeScans = 600;

    /// <summary>Measures with the device's threads for about half a second. The best of several passes counts: whatever else ran on the machine only made one slower.</summary>
    /// <returns>Null where kernels run elsewhere than on the host.</returns>
    public static unsafe HostFloors? Measure(Device device)
    {
        if (device.Accelerator is not null) return null;
        int threads = device.Threads;
        var team = new HostTeam(threads);
        float* from = (float*)NativeMemory.AlignedAlloc((nuint)Values * sizeof(float), 64), to = (float*)NativeMemory.AlignedAlloc((nuint)Values * sizeof(float), 64);
        try
        {
            // Touched before they are timed: the system gives memory page by page.
            new Span<float>(from, Values).Fill(1);
            new Span<float>(to, Values).Fill(2);
            double bytes = (double)Values * sizeof(float);
            const int chunks = Values / ChunkValues;
            double plain = Best(() => team.Run(c => Copy(from + (long)c * ChunkValues, to + (long)c * ChunkValues), chunks));
            double streamed = Best(() => team.Run(c => CopyStreaming(from + (long)c * ChunkValues, to + (long)c * ChunkValues), chunks));
            float[] sums = new float[chunks];
            double read = Best(() => team.Run(c => sums[c] = Sum(from + (long)c * ChunkValues), chunks));
            float[] ends = new float[threads];
            double multiply = Best(() => team.Run(c => ends[c] = Chains(1f / (c + 3)), threads));
            double flops = 2.0 * ChainSteps * Lanes * threads;
            GC.KeepAlive(sums);
            GC.KeepAlive(ends);
            CodeScan scan = CodeScan.Best;
            double codes = Best(() => team.Run(_ => Codes(scan), threads));
            double ops = 2.0 * CodeScans * CodePairs * 2 * CodeScan.BlockRows * CodeGroups * CodeScan.GroupValues * scan.PanelQueries * threads;
            return new HostFloors(2 * bytes / Math.Min(plain, streamed) / 1e9, bytes / read / 1e9, flops / multiply / 1e9, ops / codes / 1e9, scan.Name);
        }
        finally
        {
            NativeMemory.AlignedFree(from);
            NativeMemory.AlignedFree(to);
        }
    }

    /// <summary>The better of two measurements, each figure for itself: one of them may have met other work on the machine.</summary>
    public HostFloors Or(HostFloors other) => new(
        Math.Max(CopyGbps, other.CopyGbps), Math.Max(ReadGbps, other.ReadGbps), Math.Max(MultiplyGflops, other.MultiplyGflops), Math.Max(CodeGops, other.CodeGops), CodeLevel);

    /// <returns>Seconds of the fastest pass.</returns>
    static double Best(Action pass)
    {
        double best = double.MaxValue;
        for (int i = 0; i < Passes; i++)
        {
            long start = Stopwatch.GetTimestamp();
            pass();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    static int Lanes => Vector512.IsHardwareAccelerated ? 16 : 8;

    static unsafe void Codes(CodeScan scan)
    {
        int queries = scan.PanelQueries, blocks = 2 * CodePairs;
        nuint codeBytes = (nuint)(blocks * CodeGroups * CodeScan.GroupBytes), panelBytes = (nuint)(CodeGroups * queries * CodeScan.GroupValues);
        byte* codes = (byte*)NativeMemory.AlignedAlloc(codeBytes, 64);
        sbyte* panel = (sbyte*)NativeMemory.AlignedAlloc(panelBytes, 64);
        int* numbers = (int*)NativeMemory.AlignedAlloc((nuint)(sizeof(int) * 16 * (blocks + 4 + (2 * queries))), 64);
        try
        {
            new Span<byte>(codes, (int)codeBytes).Fill(129);
            new Span<sbyte>(panel, (int)panelBytes).Fill(1);
            int* thresholds = numbers, bias = thresholds + (16 * blocks), masks = bias + 32, sums = masks + 32;
            new Span<int>(thresholds, 16 * blocks).Fill(int.MaxValue);
            new Span<int>(bias, queries).Clear();
            for (int i = 0; i < CodeScans; i++) scan.Run(panel, queries, CodeGroups, bias, codes, CodePairs, thresholds, sums, (uint*)masks);
        }
        finally
        {
            NativeMemory.AlignedFree(codes);
            NativeMemory.AlignedFree(panel);
            NativeMemory.AlignedFree(numbers);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static unsafe void Copy(float* from, float* to)
    {
        for (int i = 0; i < ChunkValues; i += 32)
        {
            Vector512<float> a = Vector512.Load(from + i), b = Vector512.Load(from + i + 16);
            a.Store(to + i);
            b.Store(to + i + 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static unsafe void CopyStreaming(float* from, float* to)
    {
        for (int i = 0; i < ChunkValues; i += 32)
        {
            Vector512<float> a = Vector512.Load(from + i), b = Vector512.Load(from + i + 16);
            a.StoreAlignedNonTemporal(to + i);
            b.StoreAlignedNonTemporal(to + i + 16);
        }
        // Streaming stores are done when they are seen, not when they are issued.
        if (Sse.IsSupported) Sse.StoreFence();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static unsafe float Sum(float* from)
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        for (int i = 0; i < ChunkValues; i += 64)
        {
            a += Vector512.Load(from + i);
            b += Vector512.Load(from + i + 16);
            c += Vector512.Load(from + i + 32);
            d += Vector512.Load(from + i + 48);
        }
        return Vector512.Sum(a + b + c + d);
    }

    /// <summary>Twelve independent chains: as many as the longest latency times the most units of today's cores, and few enough for the registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Chains(float start)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Vector512<float> x = Vector512.Create(0.5f), y = Vector512.Create(start);
            Vector512<float> a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
            for (int n = 0; n < ChainSteps; n += 12)
            {
                a = Vector512.FusedMultiplyAdd(a, x, y);
                b = Vector512.FusedMultiplyAdd(b, x, y);
                c = Vector512.FusedMultiplyAdd(c, x, y);
                d = Vector512.FusedMultiplyAdd(d, x, y);
                e = Vector512.FusedMultiplyAdd(e, x, y);
                f = Vector512.FusedMultiplyAdd(f, x, y);
                g = Vector512.FusedMultiplyAdd(g, x, y);
                h = Vector512.FusedMultiplyAdd(h, x, y);
                i = Vector512.FusedMultiplyAdd(i, x, y);
                j = Vector512.FusedMultiplyAdd(j, x, y);
                k = Vector512.FusedMultiplyAdd(k, x, y);
                l = Vector512.FusedMultiplyAdd(l, x, y);
            }
            return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
        }
        else
        {
            Vector256<float> x = Vector256.Create(0.5f), y = Vector256.Create(start);
            Vector256<float> a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
            for (int n = 0; n < ChainSteps; n += 12)
            {
                a = Vector256.FusedMultiplyAdd(a, x, y);
                b = Vector256.FusedMultiplyAdd(b, x, y);
                c = Vector256.FusedMultiplyAdd(c, x, y);
                d = Vector256.FusedMultiplyAdd(d, x, y);
                e = Vector256.FusedMultiplyAdd(e, x, y);
                f = Vector256.FusedMultiplyAdd(f, x, y);
                g = Vector256.FusedMultiplyAdd(g, x, y);
                h = Vector256.FusedMultiplyAdd(h, x, y);
                i = Vector256.FusedMultiplyAdd(i, x, y);
                j = Vector256.FusedMultiplyAdd(j, x, y);
                k = Vector256.FusedMultiplyAdd(k, x, y);
                l = Vector256.FusedMultiplyAdd(l, x, y);
            }
            return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
        }
    }
}
