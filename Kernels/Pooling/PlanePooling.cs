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

    /// <summary>How far ahead a plane's activations are called into the cache: short planes leave the processor's own prefetching little to go by.</summary>
    const int Ahead = 4096;

    /// <summary>Sixteen lanes of each plane, and room to start them at a cache line.</summary>
    const int LanesLength = (Block + 1) * Lanes.Count;

    public static void Gem<TPower>(in PoolingCall<T> call, int from, int to)
        where TPower : struct, IGemPower =>
        Sums<GemTerm<TPower>, TPower>(call, from, to);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Spoc(in PoolingCall<T> call, int from, int to)
    {
        float* room = stackalloc float[LanesLength], lanes = Lanes.Align(room);
        float* none = stackalloc float[Block];
        int n = call.Shape.Plane;
        for (int row = from; row < to; row += Block)
        {
            int rows = Math.Min(Block, to - row);
            Sum<PlainTerm>(call.Map + ((long)row * n), n, rows, none, none, lanes);
            MapLanes.StoreUpTo(PlaneFold.Of<SumFold>(lanes) / n, call.Pooled + row, rows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Mac(in PoolingCall<T> call, int from, int to)
    {
        float* room = stackalloc float[LanesLength], lanes = Lanes.Align(room);
        int n = call.Shape.Plane;
        for (int row = from; row < to; row += Block)
        {
            int rows = Math.Min(Block, to - row);
            Largest(call.Map + ((long)row * n), n, rows, lanes);
            MapLanes.StoreUpTo(PlaneFold.Of<LargestFold>(lanes), call.Pooled + row, rows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Sums<TTerm, TPower>(in PoolingCall<T> call, int from, int to)
        where TTerm : ITerm
        where TPower : struct, IGemPower
    {
        float* room = stackalloc float[LanesLength], lanes = Lanes.Align(room);
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
                Largest(map, n, rows, lanes);
                scale = PlaneScale.Of(GemLanes.Clamp(PlaneFold.Of<LargestFold>(lanes)), out Vector512<float> inverse);
                inverse.Store(inverses);
            }
            Sum<TTerm>(map, n, rows, powers, inverses, lanes);
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
        float* room = stackalloc float[LanesLength], lanes = Lanes.Align(room);
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
            long at = (long)row * n;
            Slope<TSlope>(call.Map + at, call.GradMap + at, n, rows, powers, inverses, factors, lanes);
            if (call.Terms is not null) MapLanes.StoreUpTo(PlaneFold.Of<SumFold>(lanes), call.Terms + row, rows);
        }
    }

    /// <summary>Writes the gradients of planes; and the sums of their terms, in lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Slope<TSlope>(T* x, T* d, int n, int rows, float* powers, float* inverses, float* factors, float* lanes)
        where TSlope : IGemSlope
    {
        Vector512<float> rest = Lanes.Last(n < Lanes.Count ? n : n % Lanes.Count), term;
        for (int r = 0; r < rows; r++, x += n, d += n)
        {
            Vector512<float> p = Vector512.Create(powers[r]), overY = Vector512.Create(inverses[r]), share = Vector512.Create(factors[r]);
            if (n < Lanes.Count)
            {
                MapLanes.StoreLast(TSlope.Of(MapLanes.LoadLast(x, n), p, overY, share, out term), d, n);
                (term & rest).Store(lanes + (r * Lanes.Count));
                continue;
            }
            // The last sixteen, some of them again in the loop: the same values are written twice, and count once in the sum.
            MapLanes.Store(TSlope.Of(MapLanes.Load(x + n - Lanes.Count), p, overY, share, out term), d + n - Lanes.Count);
            Vector512<float> total = term & rest;
            for (int i = 0; i + Lanes.Count <= n; i += Lanes.Count)
            {
                MapLanes.Prefetch(x + i, Ahead);
                MapLanes.Store(TSlope.Of(MapLanes.Load(x + i), p, overY, share, out term), d + i);
                total += term;
            }
            total.Store(lanes + (r * Lanes.Count));
        }
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Powers(in PoolingCall<T> call, int row, int rows, float* powers)
    {
        int channel = row % call.Shape.Channels;
        for (int r = 0; r < rows; r++)
        {
            powers[r] = call.Power(channel);
            if (++channel == call.Shape.Channels) channel = 0;
        }
    }

    /// <summary>The sums of a term over planes, in lanes, in an order that only a plane's size decides.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Sum<TTerm>(T* x, int n, int rows, float* powers, float* inverses, float* lanes)
        where TTerm : ITerm
    {
        // The last sixteen of a plane; those that the loop sees too count once.
        Vector512<float> rest = Lanes.Last(n < Lanes.Count ? n : n % Lanes.Count);
        if (n < Lanes.Count)
        {
            for (int r = 0; r < rows; r++, x += n)
                (TTerm.Of(MapLanes.LoadLast(x, n), Vector512.Create(powers[r]), Vector512.Create(inverses[r])) & rest).Store(lanes + (r * Lanes.Count));
            return;
        }
        for (int r = 0; r < rows; r++, x += n)
        {
            Vector512<float> p = Vector512.Create(powers[r]), inverse = Vector512.Create(inverses[r]);
            Vector512<float> total = TTerm.Of(MapLanes.Load(x + n - Lanes.Count), p, inverse) & rest;
            int i = 0;
            while (i + Lanes.Count <= n)
            {
                int end = Math.Min(n, i + PartLength);
                Vector512<float> a = Vector512<float>.Zero, b = a;
                for (; i + (2 * Lanes.Count) <= end; i += 2 * Lanes.Count)
                {
                    MapLanes.Prefetch(x + i, Ahead);
                    MapLanes.Prefetch(x + i + Lanes.Count, Ahead);
                    a += TTerm.Of(MapLanes.Load(x + i), p, inverse);
                    b += TTerm.Of(MapLanes.Load(x + i + Lanes.Count), p, inverse);
                }
                if (i + Lanes.Count <= end)
                {
                    MapLanes.Prefetch(x + i, Ahead);
                    a += TTerm.Of(MapLanes.Load(x + i), p, inverse);
                    i += Lanes.Count;
                }
                total += a + b;
            }
            total.Store(lanes + (r * Lanes.Count));
        }
    }

    /// <summary>The largest of each plane, in lanes; NaN where any is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Largest(T* x, int n, int rows, float* lanes)
    {
        Vector512<float> least = Vector512.Create(float.NegativeInfinity);
        if (n < Lanes.Count)
        {
            Vector512<float> seen = Lanes.Last(n);
            for (int r = 0; r < rows; r++, x += n) Vector512.ConditionalSelect(seen, MapLanes.LoadLast(x, n), least).Store(lanes + (r * Lanes.Count));
            return;
        }
        for (int r = 0; r < rows; r++, x += n)
        {
            // The last sixteen may be seen twice.
            Vector512<float> a = MapLanes.Load(x + n - Lanes.Count), b = least;
            int i = 0;
            for (; i + (2 * Lanes.Count) <= n; i += 2 * Lanes.Count)
            {
                MapLanes.Prefetch(x + i, Ahead);
                MapLanes.Prefetch(x + i + Lanes.Count, Ahead);
                a = Vector512.Max(a, MapLanes.Load(x + i));
                b = Vector512.Max(b, MapLanes.Load(x + i + Lanes.Count));
            }
            if (i + Lanes.Count <= n)
            {
                MapLanes.Prefetch(x + i, Ahead);
                b = Vector512.Max(b, MapLanes.Load(x + i));
            }
            Vector512.Max(a, b).Store(lanes + (r * Lanes.Count));
        }
    }
}
