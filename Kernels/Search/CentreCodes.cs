using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Search;

/// <summary>Vectors as 8-bit codes, each with a scale of its own, in the blocks that <see cref="CodeScan"/> scans. A vector decoded is c/s, exactly.</summary>
sealed unsafe class CentreCodes : IDisposable
{
    const float LargestScale = 1e30f;

    readonly int blockBytes;
    readonly Scratch<byte> codes = new();
    readonly Scratch<float> scales = new(), steps = new();

    /// <param name="dimension">D.</param>
    /// <param name="count">Places for vectors; all hold zeros at first.</param>
    public CentreCodes(int dimension, int count)
    {
        Dimension = dimension;
        Count = count;
        Groups = (dimension + CodeScan.GroupValues - 1) / CodeScan.GroupValues;
        blockBytes = Groups * CodeScan.GroupBytes;
        Pairs = (count + (2 * CodeScan.BlockRows) - 1) / (2 * CodeScan.BlockRows);
        Places = Pairs * 2 * CodeScan.BlockRows;
        codes.Ensure((nint)Pairs * 2 * blockBytes);
        scales.Ensure(Places);
        steps.Ensure(Places);
        for (int place = 0; place < Places; place++) SetScale(place, 1);
        for (int block = 0; block < 2 * Pairs; block++) new Span<byte>(codes.Pointer + ((nint)block * blockBytes), blockBytes).Fill(128);
    }

    public int Dimension { get; }

    public int Count { get; }

    public int Groups { get; }

    /// <summary>Pairs of blocks.</summary>
    public int Pairs { get; }

    /// <summary>Count, rounded up to whole pairs of blocks.</summary>
    public int Places { get; }

    public long Bytes => (long)Pairs * 2 * blockBytes + Places * 2 * sizeof(float);

    public byte* Codes => codes.Pointer;

    public long CodeBytes => (long)Pairs * 2 * blockBytes;

    /// <summary>[places]: s.</summary>
    public float* Scales => scales.Pointer;

    /// <summary>After scales were read: their inverses.</summary>
    public void Rescale()
    {
        for (int place = 0; place < Places; place++) steps.Pointer[place] = 1 / scales.Pointer[place];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void SetScale(int place, float scale)
    {
        scales.Pointer[place] = scale;
        steps.Pointer[place] = 1 / scale;
    }

    /// <summary>Codes a vector. Different places may be written by different threads.</summary>
    /// <param name="place">Its place.</param>
    /// <param name="values">With zeros up to a multiple of sixteen.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Put(int place, float* values)
    {
        Vector512<float> lanes = Vector512<float>.Zero;
        for (int d = 0; d < Dimension; d += 16) lanes = Vector512.Max(lanes, Vector512.Abs(Vector512.Load(values + d)));
        float most = 0;
        for (int i = 0; i < 16; i++) most = MathF.Max(most, lanes[i]);
        float scale = most > 0 ? Math.Min(127 * (1 - 1e-6f) / most, LargestScale) : 1;
        SetScale(place, scale);
        Vector512<float> s = Vector512.Create(scale);
        byte* to = At(place, 0);
        for (int g = 0; g < Groups; g += 4)
        {
            Vector512<int> code = Vector512.ConvertToInt32Native(Vector512.Round(Vector512.Load(values + (4 * g)) * s)) + Vector512.Create(128);
            Vector512<ushort> narrow = Vector512.Narrow(code.AsUInt32(), code.AsUInt32());
            Vector128<int> four = Vector512.Narrow(narrow, narrow).GetLower().GetLower().AsInt32();
            for (int i = 0; i < 4 && g + i < Groups; i++) *(int*)(to + ((g + i) * CodeScan.GroupBytes)) = four[i];
        }
    }

    /// <summary>The codes of another's place.</summary>
    public void Copy(int place, CentreCodes from, int fromPlace)
    {
        SetScale(place, from.Scales[fromPlace]);
        byte* to = At(place, 0), at = from.At(fromPlace, 0);
        for (int g = 0; g < Groups; g++) *(int*)(to + (g * CodeScan.GroupBytes)) = *(int*)(at + (g * CodeScan.GroupBytes));
    }

    /// <summary>The vector that a place's codes stand for.</summary>
    public void Decode(int place, double* to)
    {
        double scale = scales.Pointer[place];
        for (int d = 0; d < Dimension; d++) to[d] = (*At(place, d) - 128) / scale;
    }

    byte* At(int place, int d) =>
        codes.Pointer + ((nint)(place / CodeScan.BlockRows) * blockBytes) + (d / CodeScan.GroupValues * CodeScan.GroupBytes) + (place % CodeScan.BlockRows * CodeScan.GroupValues) + (d % CodeScan.GroupValues);

    /// <summary>p̂·(c/s) of each query of a panel with the first vectors, in float32 after an exact sum: four roundings.</summary>
    /// <param name="scan">Which level.</param>
    /// <param name="panel">The queries' codes, as <see cref="CodeScan.Run"/> takes them.</param>
    /// <param name="queries">How many.</param>
    /// <param name="bias">As there.</param>
    /// <param name="queryScales">The queries' scales.</param>
    /// <param name="pairs">Pairs of blocks to multiply with.</param>
    /// <param name="to">[queries][stride].</param>
    /// <param name="stride">32·<paramref name="pairs"/> or more.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(CodeScan scan, sbyte* panel, int queries, int* bias, float* queryScales, int pairs, float* to, nint stride)
    {
        int* sums = stackalloc int[16 * 32], least = stackalloc int[32];
        uint* masks = stackalloc uint[16];
        new Span<int>(least, 32).Fill(int.MinValue);
        for (int pair = 0; pair < pairs; pair++)
        {
            scan.Run(panel, queries, Groups, bias, codes.Pointer + ((nint)pair * 2 * blockBytes), 1, least, sums, masks);
            Vector512<float> low = Vector512.Load(steps.Pointer + (pair * 32)), high = Vector512.Load(steps.Pointer + (pair * 32) + 16);
            for (int q = 0; q < queries; q++)
            {
                Vector512<float> step = Vector512.Create(1 / queryScales[q]);
                float* at = to + (q * stride) + (pair * 32);
                (Vector512.ConvertToSingle(Vector512.Load(sums + (q * 32))) * step * low).Store(at);
                (Vector512.ConvertToSingle(Vector512.Load(sums + (q * 32) + 16)) * step * high).Store(at + 16);
            }
        }
    }

    public void Dispose()
    {
        codes.Dispose();
        scales.Dispose();
        steps.Dispose();
    }
}
