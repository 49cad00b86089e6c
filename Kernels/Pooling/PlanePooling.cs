using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>GeM, SPoC and MAC of channels-first maps: a plane's activations lie together and fill the lanes; sixteen planes end together.</summary>
internal static unsafe class PlanePooling<T>
    where T : unmanaged
{
    const int Block = Lanes.Count;

    /// <summary>Activations summed before they join the rest: rounding errors grow with a part's length, not with the plane's.</summary>
    const int PartLength = 4096;

    public static void Gem<TPower>(in PoolingCall<T> call, int from, int to)
        where TPower : struct, IGemPower =>
        Sums<GemTerm<TPower>, TPower>(call, from, to);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Spoc(in PoolingCall<T> call, int from, int to)
    {
        float* lanes = stackalloc float[Block * Lanes.Count];
        int n = call.Shape.Plane;
        for (int row = from; row < to; row += Block)
        {
            int rows = Math.Min(Block, to - row);
            for (int r = 0; r < rows; r++) Sum<PlainTerm>(call.Map + ((long)(row + r) * n), n, default, default).Store(lanes + (r * Lanes.Count));
            MapLanes.StoreUpTo(PlaneFold.Of<SumFold>(lanes) / n, call.Pooled + row, rows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Mac(in PoolingCall<T> call, int from, int to)
    {
        float* lanes = stackalloc float[Block * Lanes.Count];
        int n = call.Shape.Plane;
        for (int row = from; row < to; row += Block)
        {
            int rows = Math.Min(Block, to - row);
            for (int r = 0; r < rows; r++) Largest(call.Map + ((long)(row + r) * n), n).Store(lanes + (r * Lanes.Count));
            MapLanes.StoreUpTo(PlaneFold.Of<LargestFold>(lanes), call.Pooled + row, rows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Sums<TTerm, TPower>(in PoolingCall<T> call, int from, int to)
        where TTerm : ITerm
        where TPower : struct, IGemPower
    {
        float* lanes = stackalloc float[Block * Lanes.Count];
        float* inverses = stackalloc float[Block];
        float* powers = stackalloc float[Block];
        int n = call.Shape.Plane;
        for (int row = from; row < to; row += Block)
        {
            int rows = Math.Min(Block, to - row);
            T* map = call.Map + ((long)row * n);
            Vector512<float> scale = Vector512<float>.One;
            Powers(call, row, rows, powers);
            if (default(TPower).Scales)
            {
                for (int r = 0; r < rows; r++) Largest(map + ((long)r * n), n).Store(lanes + (r * Lanes.Count));
                scale = PlaneScale.Of(GemLanes.Clamp(PlaneFold.Of<LargestFold>(lanes)), out Vector512<float> inverse);
                inverse.Store(inverses);
            }
            for (int r = 0; r < rows; r++)
                Sum<TTerm>(map + ((long)r * n), n, Vector512.Create(powers[r]), Vector512.Create(inverses[r])).Store(lanes + (r * Lanes.Count));
            MapLanes.StoreUpTo(default(TPower).Root(PlaneFold.Of<SumFold>(lanes) / n, Vector512.Load(powers)) * scale, call.Pooled + row, rows);
        }
    }

    /// <summary>Also the sums for ∂L/∂p, where <see cref="PoolingCall{T}.Terms"/> has room for them.</summary>
    public static void GemBack<TPower>(in PoolingCall<T> call, int from, int to)
        where TPower : struct, IGemPower
    {
        if (call.Terms is null) Slopes<GemSlope<TPower>>(call, from, to);
        else Slopes<GemSlopeWithTerm<TPower>>(call, from, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Slopes<TSlope>(in PoolingCall<T> call, int from, int to)
        where TSlope : IGemSlope
    {
        float* lanes = stackalloc float[Block * Lanes.Count];
        float* inverses = stackalloc float[Block];
        float* factors = stackalloc float[Block];
        float* powers = stackalloc float[Block];
        int n = call.Shape.Plane;
        for (int row = from; row < to; row += Block)
        {
            int rows = Math.Min(Block, to - row);
            Powers(call, row, rows, powers);
            (Vector512<float>.One / MapLanes.LoadUpTo(call.Pooled + row, rows)).Store(inverses);
            (MapLanes.LoadUpTo(call.GradPooled + row, rows) / n).Store(factors);
            for (int r = 0; r < rows; r++)
            {
                long at = (long)(row + r) * n;
                Slope<TSlope>(call.Map + at, call.GradMap + at, n, powers[r], inverses[r], factors[r]).Store(lanes + (r * Lanes.Count));
            }
            if (call.Terms is not null) MapLanes.StoreUpTo(PlaneFold.Of<SumFold>(lanes), call.Terms + row, rows);
        }
    }

    /// <summary>Writes one plane's gradients; returns the sum of its terms in lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Slope<TSlope>(T* x, T* d, int n, float power, float inverse, float factor)
        where TSlope : IGemSlope
    {
        Vector512<float> p = Vector512.Create(power), overY = Vector512.Create(inverse), share = Vector512.Create(factor), term, total = Vector512<float>.Zero;
        int i = 0;
        for (; i + Lanes.Count <= n; i += Lanes.Count)
        {
            MapLanes.Store(TSlope.Of(MapLanes.Load(x + i), p, overY, share, out term), d + i);
            total += term;
        }
        if (i < n)
        {
            // The last sixteen, some of them a second time: the same values are written again, and only the new ones count in the sum.
            MapLanes.StoreLast(TSlope.Of(MapLanes.LoadLast(x, n), p, overY, share, out term), d, n);
            total += term & Lanes.Last(n - i);
        }
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SpocBack(in PoolingCall<T> call, int from, int to)
    {
        int n = call.Shape.Plane;
        for (int row = from; row < to; row++)
        {
            Vector512<float> share = Vector512.Create(call.GradPooled[row] / n);
            T* d = call.GradMap + ((long)row * n);
            int i = 0;
            for (; i + Lanes.Count <= n; i += Lanes.Count) MapLanes.Store(share, d + i);
            if (i < n) MapLanes.StoreLast(share, d, n);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MacBack(in PoolingCall<T> call, int from, int to)
    {
        int n = call.Shape.Plane;
        for (int row = from; row < to; row++)
        {
            T* d = call.GradMap + ((long)row * n);
            new Span<T>(d, n).Clear();
            int first = First(call.Map + ((long)row * n), n, call.Pooled[row]);
            if (first < n) MapLanes.StoreUpTo(Vector512.Create(call.GradPooled[row]), d + first, 1);
        }
    }

    /// <summary>The first place that holds the maximum (the first NaN, if that is one), or n where none does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int First(T* x, int n, float maximum)
    {
        Vector512<float> wanted = Vector512.Create(maximum);
        bool nan = float.IsNaN(maximum);
        int i = 0;
        ulong found;
        for (; i + Lanes.Count <= n; i += Lanes.Count)
        {
            Vector512<float> here = MapLanes.Load(x + i);
            found = (nan ? ~Vector512.Equals(here, here) : Vector512.Equals(here, wanted)).ExtractMostSignificantBits();
            if (found != 0) return i + BitOperations.TrailingZeroCount(found);
        }
        if (i == n) return n;
        Vector512<float> last = MapLanes.LoadLast(x, n);
        found = ((nan ? ~Vector512.Equals(last, last) : Vector512.Equals(last, wanted)) & Lanes.Last(n - i)).ExtractMostSignificantBits();
        return found == 0 ? n : n - Lanes.Count + BitOperations.TrailingZeroCount(found);
    }

    static void Powers(in PoolingCall<T> call, int row, int rows, float* powers)
    {
        int channel = row % call.Shape.Channels;
        for (int r = 0; r < rows; r++)
        {
            powers[r] = call.Power(channel);
            if (++channel == call.Shape.Channels) channel = 0;
        }
    }

    /// <summary>The sum of a term over a plane, in lanes, in an order that only the plane's size decides.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Sum<TTerm>(T* x, int n, Vector512<float> p, Vector512<float> inverse)
        where TTerm : ITerm
    {
        Vector512<float> total = Vector512<float>.Zero;
        int i = 0;
        while (i + Lanes.Count <= n)
        {
            int end = Math.Min(n, i + PartLength);
            Vector512<float> a = Vector512<float>.Zero, b = a;
            for (; i + (2 * Lanes.Count) <= end; i += 2 * Lanes.Count)
            {
                a += TTerm.Of(MapLanes.Load(x + i), p, inverse);
                b += TTerm.Of(MapLanes.Load(x + i + Lanes.Count), p, inverse);
            }
            if (i + Lanes.Count <= end)
            {
                a += TTerm.Of(MapLanes.Load(x + i), p, inverse);
                i += Lanes.Count;
            }
            total += a + b;
        }
        // The last sixteen, of which only those that the loop has not seen count.
        if (i < n) total += TTerm.Of(MapLanes.LoadLast(x, n), p, inverse) & Lanes.Last(n - i);
        return total;
    }

    /// <summary>The largest of a plane, in lanes; NaN where any is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Largest(T* x, int n)
    {
        Vector512<float> a = Vector512.Create(float.NegativeInfinity), b = a;
        int i = 0;
        for (; i + (2 * Lanes.Count) <= n; i += 2 * Lanes.Count)
        {
            a = Vector512.Max(a, MapLanes.Load(x + i));
            b = Vector512.Max(b, MapLanes.Load(x + i + Lanes.Count));
        }
        if (i + Lanes.Count <= n)
        {
            a = Vector512.Max(a, MapLanes.Load(x + i));
            i += Lanes.Count;
        }
        // The last sixteen may be seen twice.
        if (i < n) b = Vector512.Max(b, n >= Lanes.Count ? MapLanes.LoadLast(x, n) : ShortRow(x, n));
        return Vector512.Max(a, b);
    }

    /// <summary>Fewer than sixteen, and −∞.</summary>
    static Vector512<float> ShortRow(T* x, int n) =>
        Vector512.ConditionalSelect(Lanes.Last(n), MapLanes.LoadLast(x, n), Vector512.Create(float.NegativeInfinity));
}
