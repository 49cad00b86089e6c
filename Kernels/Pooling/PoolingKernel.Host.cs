using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>
/// Pooling on this process's cores: sixteen activations at a time, chunks of whole planes shared among threads. The loops are compiled in full at
/// once (AggressiveOptimization, here and in the other operations): a short job would end before the runtime replaced its first, slow version.
/// </summary>
internal sealed unsafe class HostPooling
{
    /// <summary>Activations of a chunk: enough to hide the claiming of it, few enough to stay in a core's cache.</summary>
    const int ChunkLength = 32768;

    const int PartLength = 1024;

    readonly PoolingKind kind;
    readonly HostTeam team;
    readonly Action<int> forward, backward;
    double[] chunkPowerGradients = [];

    // The call in progress.
    MapShape shape;
    int rowsPerChunk;
    float power;
    bool powerGradient;
    float* map, pooled, gradPooled, gradMap;

    public HostPooling(PoolingKind kind, int threads)
    {
        this.kind = kind;
        team = new HostTeam(threads);
        forward = ForwardChunk;
        backward = BackwardChunk;
    }

    public void Forward(ReadOnlySpan<float> map, MapShape shape, float power, Span<float> pooled)
    {
        fixed (float* m = map, p = pooled)
        {
            this.map = m;
            this.pooled = p;
            team.Run(forward, Begin(shape, power));
        }
    }

    public float Backward(
        ReadOnlySpan<float> map, MapShape shape, float power, ReadOnlySpan<float> pooled, ReadOnlySpan<float> gradPooled, Span<float> gradMap, bool powerGradient)
    {
        fixed (float* m = map, p = pooled, gp = gradPooled, gm = gradMap)
        {
            this.map = m;
            this.pooled = p;
            this.gradPooled = gp;
            this.gradMap = gm;
            this.powerGradient = powerGradient;
            int chunks = Begin(shape, power);
            if (chunkPowerGradients.Length < chunks) chunkPowerGradients = new double[chunks];
            team.Run(backward, chunks);
            double sum = 0;
            if (powerGradient)
                for (int i = 0; i < chunks; i++) sum += chunkPowerGradients[i];
            return (float)sum;
        }
    }

    int Begin(MapShape shape, float power)
    {
        (this.shape, this.power) = (shape, power);
        // Sixteen planes at least: their roots are taken together.
        rowsPerChunk = Math.Max(1, ChunkLength / shape.Plane / Lanes.Count) * Lanes.Count;
        return (shape.Rows + rowsPerChunk - 1) / rowsPerChunk;
    }

    void ForwardChunk(int chunk)
    {
        int from = chunk * rowsPerChunk, to = Math.Min(from + rowsPerChunk, shape.Rows);
        switch (kind)
        {
            case PoolingKind.Gem when power == 3: GemRows(new CubePower(), from, to); break;
            case PoolingKind.Gem: GemRows(new AnyPower(power), from, to); break;
            case PoolingKind.Spoc: SpocRows(from, to); break;
            default: MacRows(from, to); break;
        }
    }

    void BackwardChunk(int chunk)
    {
        int from = chunk * rowsPerChunk, to = Math.Min(from + rowsPerChunk, shape.Rows);
        switch (kind)
        {
            case PoolingKind.Gem when power == 3: chunkPowerGradients[chunk] = GemRowsBack(new CubePower(), from, to); break;
            case PoolingKind.Gem: chunkPowerGradients[chunk] = GemRowsBack(new AnyPower(power), from, to); break;
            case PoolingKind.Spoc: SpocRowsBack(from, to); break;
            default: MacRowsBack(from, to); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void GemRows<TPower>(TPower power, int from, int to)
        where TPower : struct, IGemPower
    {
        int n = shape.Plane;
        float* sums = stackalloc float[Lanes.Count];
        float* scales = stackalloc float[Lanes.Count];
        for (int block = from; block < to; block += Lanes.Count)
        {
            int rows = Math.Min(Lanes.Count, to - block);
            for (int r = 0; r < rows; r++)
            {
                float* x = map + (long)(block + r) * n;
                float inverse = 1;
                scales[r] = power.Scales ? PlaneScale.Of(ClampScalar(Maximum(x, n)), out inverse) : 1;
                sums[r] = ElementaryLanes.Sum(Total(new GemTerm<TPower>(power, inverse), x, n));
            }
            for (int r = rows; r < Lanes.Count; r++) sums[r] = scales[r] = 1;
            Vector512<float> roots = power.Root(Vector512.Load(sums) / n) * Vector512.Load(scales);
            if (rows == Lanes.Count) roots.Store(pooled + block);
            else Lanes.StoreFirst(roots, pooled + block, rows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void SpocRows(int from, int to)
    {
        int n = shape.Plane;
        for (int row = from; row < to; row++) pooled[row] = ElementaryLanes.Sum(Total(default(PlainTerm), map + (long)row * n, n)) / n;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void MacRows(int from, int to)
    {
        int n = shape.Plane;
        for (int row = from; row < to; row++) pooled[row] = Maximum(map + (long)row * n, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    double GemRowsBack<TPower>(TPower power, int from, int to)
        where TPower : struct, IGemPower
    {
        int n = shape.Plane;
        double sum = 0;
        for (int row = from; row < to; row++)
        {
            float* x = map + (long)row * n;
            float* d = gradMap + (long)row * n;
            float y = pooled[row], g = gradPooled[row];
            Vector512<float> factor = Vector512.Create(g / n), inverse = Vector512.Create(1 / y);
            if (powerGradient)
                sum += (double)g * y * ElementaryLanes.Sum(GemRowBack<TPower, Yes>(power, x, d, n, factor, inverse));
            else
                GemRowBack<TPower, No>(power, x, d, n, factor, inverse);
        }
        return sum / n / this.power;
    }

    /// <summary>Writes one plane's gradients and returns Σ t^p·ln t in lanes, t = x/y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> GemRowBack<TPower, TLog>(TPower power, float* x, float* d, int n, Vector512<float> factor, Vector512<float> inverse)
        where TPower : struct, IGemPower
        where TLog : struct
    {
        Vector512<float> total = Vector512<float>.Zero;
        int i = 0;
        for (; i + Lanes.Count <= n; i += Lanes.Count)
        {
            GemBack<TPower, TLog>(power, Vector512.Load(x + i), factor, inverse, out Vector512<float> term).Store(d + i);
            total += term;
        }
        if (i < n)
        {
            // The last sixteen, some of them a second time: the same values are written again, and only the new ones count in the sum.
            Vector512<float> last = GemBack<TPower, TLog>(power, Lanes.LoadLast(x, n), factor, inverse, out Vector512<float> term);
            Lanes.StoreLast(last, d, n);
            total += term & Lanes.Last(n - i);
        }
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> GemBack<TPower, TLog>(TPower power, Vector512<float> x, Vector512<float> factor, Vector512<float> inverse, out Vector512<float> term)
        where TPower : struct, IGemPower
        where TLog : struct
    {
        Vector512<float> below = Vector512.LessThan(x, Vector512.Create(PoolingKernel.Floor));
        Vector512<float> t = Vector512.ConditionalSelect(below, Vector512.Create(PoolingKernel.Floor), x) * inverse;
        Vector512<float> less = power.RaiseLess(t);
        term = typeof(TLog) == typeof(Yes) ? less * t * ElementaryLanes.Log(t) : Vector512<float>.Zero;
        return Vector512.AndNot(less * factor, below);
    }

    void SpocRowsBack(int from, int to)
    {
        int n = shape.Plane;
        for (int row = from; row < to; row++) new Span<float>(gradMap + (long)row * n, n).Fill(gradPooled[row] / n);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void MacRowsBack(int from, int to)
    {
        int n = shape.Plane;
        for (int row = from; row < to; row++)
        {
            new Span<float>(gradMap + (long)row * n, n).Clear();
            int first = FirstMaximum(map + (long)row * n, n, pooled[row]);
            if (first < n) gradMap[((long)row * n) + first] = gradPooled[row];
        }
    }

    /// <summary>The first place that holds the maximum (the first NaN, if that is one), or n or more where none does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static int FirstMaximum(float* x, int n, float maximum)
    {
        Vector512<float> wanted = Vector512.Create(maximum);
        bool nan = float.IsNaN(maximum);
        for (int i = 0; i < n; i += Lanes.Count)
        {
            Vector512<float> here = i + Lanes.Count <= n ? Vector512.Load(x + i) : Lanes.LoadFirst(x + i, n - i, 0);
            ulong found = (nan ? ~Vector512.Equals(here, here) : Vector512.Equals(here, wanted)).ExtractMostSignificantBits();
            if (found != 0) return i + BitOperations.TrailingZeroCount(found);
        }
        return n;
    }

    static float ClampScalar(float x) => x < PoolingKernel.Floor ? PoolingKernel.Floor : x;

    /// <summary>The largest value, NaN if any is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Maximum(float* x, int n)
    {
        // Four chains: the larger of two that keeps a NaN takes several instructions.
        Vector512<float> best = Vector512.Create(float.NegativeInfinity), b2 = best, b3 = best, b4 = best;
        int i = 0;
        for (; i + (4 * Lanes.Count) <= n; i += 4 * Lanes.Count)
        {
            best = Vector512.Max(best, Vector512.Load(x + i));
            b2 = Vector512.Max(b2, Vector512.Load(x + i + 16));
            b3 = Vector512.Max(b3, Vector512.Load(x + i + 32));
            b4 = Vector512.Max(b4, Vector512.Load(x + i + 48));
        }
        for (; i + Lanes.Count <= n; i += Lanes.Count) b2 = Vector512.Max(b2, Vector512.Load(x + i));
        if (i < n) b3 = Vector512.Max(b3, n < Lanes.Count ? Lanes.LoadFirst(x, n, float.NegativeInfinity) : Vector512.Load(x + n - Lanes.Count));
        best = Vector512.Max(Vector512.Max(best, b2), Vector512.Max(b3, b4));
        Vector256<float> a = Vector256.Max(best.GetLower(), best.GetUpper());
        Vector128<float> b = Vector128.Max(a.GetLower(), a.GetUpper());
        b = Vector128.Max(b, Vector128.Shuffle(b, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(b[0], b[1]);
    }

    /// <summary>The sum of a term over a plane, in lanes, in an order that only the plane's size decides.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Total<TTerm>(TTerm term, float* x, int n)
        where TTerm : struct, ITerm
    {
        Vector512<float> total = Vector512<float>.Zero;
        int i = 0;
        while (i + Lanes.Count <= n)
        {
            // A large plane in parts: rounding errors grow with a part's length, not with the plane's.
            int end = Math.Min(n, i + PartLength);
            Vector512<float> part = Vector512<float>.Zero;
            for (; i + Lanes.Count <= end; i += Lanes.Count) part += term.Of(Vector512.Load(x + i));
            total += part;
        }
        // The last sixteen, of which only those that the loop has not seen count.
        if (i < n) total += term.Of(Lanes.LoadLast(x, n)) & Lanes.Last(n - i);
        return total;
    }

    interface ITerm
    {
        Vector512<float> Of(Vector512<float> x);
    }

    readonly struct PlainTerm : ITerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Of(Vector512<float> x) => x;
    }

    readonly struct GemTerm<TPower>(TPower power, float inverseScale) : ITerm
        where TPower : struct, IGemPower
    {
        readonly TPower power = power;
        readonly Vector512<float> scale = Vector512.Create(inverseScale);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Of(Vector512<float> x)
        {
            Vector512<float> floor = Vector512.Create(PoolingKernel.Floor);
            x = Vector512.ConditionalSelect(Vector512.LessThan(x, floor), floor, x);
            return power.Raise(power.Scales ? x * scale : x);
        }
    }

    /// <summary>Compile-time answers to whether the sum for the power's gradient is wanted.</summary>
    readonly struct Yes;

    readonly struct No;
}
