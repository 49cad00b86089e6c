using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>
/// GeM, SPoC and MAC of channels-last maps: a lane is a channel. A chunk is some channels of one image, so few that a second look at them finds them in
/// the cache; sums stand in an array beside, sixteen channels in a slot, and the positions pass by four at a time.
/// </summary>
internal static unsafe class ChannelPooling<T>
    where T : unmanaged
{
    /// <summary>Bytes of a map that a core's cache keeps beside the rest.</summary>
    const int CacheBytes = 1 << 19;

    const int FewestChannels = 64, MostChannels = 512;

    /// <summary>Images that are chunks enough without dividing their channels finely.</summary>
    const int ManyImages = 8, FewImagesChannels = 128;

    /// <summary>Slots of sixteen channels: the last block of an image holds up to twice as many channels as the others.</summary>
    const int MostSlots = 2 * MostChannels / Lanes.Count;

    const int Together = 4;

    /// <summary>Positions summed before they join the rest: rounding errors grow with a part's length, not with the plane's.</summary>
    const int PartLength = 256;

    /// <summary>Wide blocks are read as one stream; what is looked at twice must fit into the cache. No bit depends on it: a channel is a lane.</summary>
    static int BlockChannels(MapShape shape, bool twice)
    {
        if (!twice) return shape.Batch < ManyImages ? FewImagesChannels : MostChannels;
        return Math.Clamp(CacheBytes / sizeof(T) / shape.Plane / Lanes.Count * Lanes.Count, FewestChannels, MostChannels);
    }

    /// <summary>Chunks of an image.</summary>
    /// <param name="twice">Whether the operation looks at an activation twice: GeM forward with any power.</param>
    public static int Blocks(MapShape shape, bool twice) => Math.Max(1, shape.Channels / BlockChannels(shape, twice));

    /// <summary>The channels of a chunk and where its slots lie: the last one ends where the block ends, and shares channels with the one before it.</summary>
    readonly struct Block
    {
        public readonly int Image, From, Width, Slots;

        public Block(MapShape shape, int chunk, bool twice = false)
        {
            int blocks = Blocks(shape, twice), width = BlockChannels(shape, twice), block = chunk % blocks;
            Image = chunk / blocks;
            From = block * width;
            Width = block == blocks - 1 ? shape.Channels - From : width;
            Slots = (Width + Lanes.Count - 1) / Lanes.Count;
        }

        /// <summary>Channels in a slot: fewer than sixteen only where the map has no more.</summary>
        public int Count => Math.Min(Lanes.Count, Width);

        public int First(int slot) => From + Math.Max(0, Math.Min(slot * Lanes.Count, Width - Lanes.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gem<TPower>(in PoolingCall<T> call, int chunk)
        where TPower : struct, IGemPower
    {
        var block = new Block(call.Shape, chunk, default(TPower).Scales);
        float* sums = stackalloc float[MostSlots * Lanes.Count];
        float* scales = stackalloc float[MostSlots * Lanes.Count];
        float* inverses = stackalloc float[MostSlots * Lanes.Count];
        float* powers = stackalloc float[MostSlots * Lanes.Count];
        for (int slot = 0; slot < block.Slots; slot++)
            for (int l = 0; l < block.Count; l++) powers[(slot * Lanes.Count) + l] = call.Power(block.First(slot) + l);
        if (default(TPower).Scales)
        {
            Largest(call, block, scales);
            for (int s = 0; s < block.Slots * Lanes.Count; s += Lanes.Count)
            {
                PlaneScale.Of(GemLanes.Clamp(Vector512.Load(scales + s)), out Vector512<float> inverse).Store(scales + s);
                inverse.Store(inverses + s);
            }
        }
        Sum<GemTerm<TPower>>(call, block, powers, inverses, sums);
        for (int slot = 0; slot < block.Slots; slot++)
        {
            int s = slot * Lanes.Count;
            Vector512<float> root = default(TPower).Root(Vector512.Load(sums + s) / call.Shape.Plane, Vector512.Load(powers + s));
            Write(call, block, slot, default(TPower).Scales ? root * Vector512.Load(scales + s) : root);
        }
    }

    public static void Spoc(in PoolingCall<T> call, int chunk)
    {
        var block = new Block(call.Shape, chunk);
        float* sums = stackalloc float[MostSlots * Lanes.Count];
        Sum<PlainTerm>(call, block, sums, sums, sums);
        for (int slot = 0; slot < block.Slots; slot++) Write(call, block, slot, Vector512.Load(sums + (slot * Lanes.Count)) / call.Shape.Plane);
    }

    public static void Mac(in PoolingCall<T> call, int chunk)
    {
        var block = new Block(call.Shape, chunk);
        float* largest = stackalloc float[MostSlots * Lanes.Count];
        Largest(call, block, largest);
        for (int slot = 0; slot < block.Slots; slot++) Write(call, block, slot, Vector512.Load(largest + (slot * Lanes.Count)));
    }

    static void Write(in PoolingCall<T> call, Block block, int slot, Vector512<float> pooled) =>
        MapLanes.StoreUpTo(pooled, call.Pooled + ((long)block.Image * call.Shape.Channels) + block.First(slot), block.Count);

    /// <summary>The positions of the block's image, from its first channel.</summary>
    static T* Positions(T* map, MapShape shape, Block block) => map + ((long)block.Image * shape.Plane * shape.Channels);

    static void Sum<TTerm>(in PoolingCall<T> call, Block block, float* powers, float* inverses, float* sums)
        where TTerm : ITerm
    {
        if (block.Count == Lanes.Count) Sum<TTerm, WholeSlot>(call, block, powers, inverses, sums);
        else Sum<TTerm, ShortSlot>(call, block, powers, inverses, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Sum<TTerm, TSlot>(in PoolingCall<T> call, Block block, float* powers, float* inverses, float* sums)
        where TTerm : ITerm
        where TSlot : IMapSlot
    {
        float* parts = stackalloc float[MostSlots * Lanes.Count];
        int length = block.Slots * Lanes.Count, plane = call.Shape.Plane, channels = call.Shape.Channels, count = block.Count;
        new Span<float>(sums, length).Clear();
        T* row = Positions(call.Map, call.Shape, block);
        for (int from = 0; from < plane; from += PartLength)
        {
            int to = Math.Min(plane, from + PartLength), i = from;
            new Span<float>(parts, length).Clear();
            for (; i + Together <= to; i += Together, row += Together * channels)
            {
                for (int slot = 0; slot < block.Slots; slot++)
                {
                    int s = slot * Lanes.Count;
                    Vector512<float> p = Vector512.Load(powers + s), inverse = Vector512.Load(inverses + s);
                    T* x = row + block.First(slot);
                    Vector512<float> a = TTerm.Of(TSlot.Load(x, count), p, inverse), b = TTerm.Of(TSlot.Load(x + channels, count), p, inverse);
                    Vector512<float> c = TTerm.Of(TSlot.Load(x + (2 * channels), count), p, inverse), d = TTerm.Of(TSlot.Load(x + (3 * channels), count), p, inverse);
                    (Vector512.Load(parts + s) + ((a + b) + (c + d))).Store(parts + s);
                }
            }
            for (; i < to; i++, row += channels)
            {
                for (int slot = 0; slot < block.Slots; slot++)
                {
                    int s = slot * Lanes.Count;
                    Vector512<float> term = TTerm.Of(TSlot.Load(row + block.First(slot), count), Vector512.Load(powers + s), Vector512.Load(inverses + s));
                    (Vector512.Load(parts + s) + term).Store(parts + s);
                }
            }
            for (int s = 0; s < length; s += Lanes.Count) (Vector512.Load(sums + s) + Vector512.Load(parts + s)).Store(sums + s);
        }
    }

    static void Largest(in PoolingCall<T> call, Block block, float* largest)
    {
        if (block.Count == Lanes.Count) Largest<WholeSlot>(call, block, largest);
        else Largest<ShortSlot>(call, block, largest);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Largest<TSlot>(in PoolingCall<T> call, Block block, float* largest)
        where TSlot : IMapSlot
    {
        int plane = call.Shape.Plane, channels = call.Shape.Channels, count = block.Count, i = 0;
        new Span<float>(largest, block.Slots * Lanes.Count).Fill(float.NegativeInfinity);
        T* row = Positions(call.Map, call.Shape, block);
        for (; i + Together <= plane; i += Together, row += Together * channels)
        {
            for (int slot = 0; slot < block.Slots; slot++)
            {
                float* best = largest + (slot * Lanes.Count);
                T* x = row + block.First(slot);
                Vector512<float> a = Vector512.Max(TSlot.Load(x, count), TSlot.Load(x + channels, count));
                Vector512<float> b = Vector512.Max(TSlot.Load(x + (2 * channels), count), TSlot.Load(x + (3 * channels), count));
                Vector512.Max(Vector512.Load(best), Vector512.Max(a, b)).Store(best);
            }
        }
        for (; i < plane; i++, row += channels)
        {
            for (int slot = 0; slot < block.Slots; slot++)
            {
                float* best = largest + (slot * Lanes.Count);
                Vector512.Max(Vector512.Load(best), TSlot.Load(row + block.First(slot), count)).Store(best);
            }
        }
    }

    /// <summary>Also the sums for ∂L/∂p, where <see cref="PoolingCall{T}.Terms"/> has room for them.</summary>
    public static void GemBack<TPower>(in PoolingCall<T> call, int chunk)
        where TPower : struct, IGemPower
    {
        if (call.Terms is null) Slopes<GemSlope<TPower>>(call, chunk);
        else Slopes<GemSlopeWithTerm<TPower>>(call, chunk);
    }

    static void Slopes<TSlope>(in PoolingCall<T> call, int chunk)
        where TSlope : IGemSlope
    {
        if (call.Shape.Channels >= Lanes.Count) Slopes<TSlope, WholeSlot>(call, chunk);
        else Slopes<TSlope, ShortSlot>(call, chunk);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Slopes<TSlope, TSlot>(in PoolingCall<T> call, int chunk)
        where TSlope : IGemSlope
        where TSlot : IMapSlot
    {
        var block = new Block(call.Shape, chunk);
        float* inverses = stackalloc float[MostSlots * Lanes.Count];
        float* factors = stackalloc float[MostSlots * Lanes.Count];
        float* powers = stackalloc float[MostSlots * Lanes.Count];
        float* sums = stackalloc float[MostSlots * Lanes.Count];
        float* parts = stackalloc float[MostSlots * Lanes.Count];
        int plane = call.Shape.Plane, channels = call.Shape.Channels, count = block.Count, length = block.Slots * Lanes.Count;
        long pooled = (long)block.Image * channels;
        for (int slot = 0; slot < block.Slots; slot++)
        {
            int s = slot * Lanes.Count, first = block.First(slot);
            for (int l = 0; l < count; l++) powers[s + l] = call.Power(first + l);
            (Vector512<float>.One / TSlot.Load(call.Pooled + pooled + first, count)).Store(inverses + s);
            (TSlot.Load(call.GradPooled + pooled + first, count) / plane).Store(factors + s);
        }
        new Span<float>(sums, length).Clear();
        T* row = Positions(call.Map, call.Shape, block), gradRow = Positions(call.GradMap, call.Shape, block);
        for (int from = 0; from < plane; from += PartLength)
        {
            int to = Math.Min(plane, from + PartLength);
            new Span<float>(parts, length).Clear();
            for (int i = from; i < to; i++, row += channels, gradRow += channels)
            {
                for (int slot = 0; slot < block.Slots; slot++)
                {
                    int s = slot * Lanes.Count, at = block.First(slot);
                    Vector512<float> slope = TSlope.Of(
                        TSlot.Load(row + at, count), Vector512.Load(powers + s), Vector512.Load(inverses + s), Vector512.Load(factors + s), out Vector512<float> term);
                    TSlot.Store(slope, gradRow + at, count);
                    if (typeof(TSlope) != typeof(GemSlope<CubePower>) && typeof(TSlope) != typeof(GemSlope<AnyPower>)) (Vector512.Load(parts + s) + term).Store(parts + s);
                }
            }
            for (int s = 0; s < length; s += Lanes.Count) (Vector512.Load(sums + s) + Vector512.Load(parts + s)).Store(sums + s);
        }
        if (call.Terms is null) return;
        for (int slot = 0; slot < block.Slots; slot++)
            TSlot.Store(Vector512.Load(sums + (slot * Lanes.Count)), call.Terms + pooled + block.First(slot), count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SpocBack(in PoolingCall<T> call, int chunk)
    {
        var block = new Block(call.Shape, chunk);
        int channels = call.Shape.Channels;
        float* g = call.GradPooled + ((long)block.Image * channels);
        T* first = Positions(call.GradMap, call.Shape, block), row = first;
        for (int slot = 0; slot < block.Slots; slot++)
        {
            int at = block.First(slot);
            MapLanes.StoreUpTo(MapLanes.LoadUpTo(g + at, block.Count) / call.Shape.Plane, row + at, block.Count);
        }
        // Every position gets the same.
        var share = new ReadOnlySpan<T>(first + block.From, block.Width);
        for (int i = 1; i < call.Shape.Plane; i++) share.CopyTo(new Span<T>(row += channels, channels)[block.From..]);
    }

    public static void MacBack(in PoolingCall<T> call, int chunk)
    {
        if (call.Shape.Channels >= Lanes.Count) MacBack<WholeSlot>(call, chunk);
        else MacBack<ShortSlot>(call, chunk);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void MacBack<TSlot>(in PoolingCall<T> call, int chunk)
        where TSlot : IMapSlot
    {
        var block = new Block(call.Shape, chunk);
        // The gradient that a channel has yet to give away: none once its first maximum has been met.
        float* open = stackalloc float[MostSlots * Lanes.Count];
        int plane = call.Shape.Plane, channels = call.Shape.Channels, count = block.Count;
        long pooled = (long)block.Image * channels;
        for (int slot = 0; slot < block.Slots; slot++) TSlot.Load(call.GradPooled + pooled + block.First(slot), count).Store(open + (slot * Lanes.Count));
        T* row = Positions(call.Map, call.Shape, block), gradRow = Positions(call.GradMap, call.Shape, block);
        for (int i = 0; i < plane; i++, row += channels, gradRow += channels)
        {
            for (int slot = 0; slot < block.Slots; slot++)
            {
                int at = block.First(slot);
                float* left = open + (slot * Lanes.Count);
                Vector512<float> x = TSlot.Load(row + at, count), best = TSlot.Load(call.Pooled + pooled + at, count), g = Vector512.Load(left);
                Vector512<float> here = Vector512.Equals(x, best) | (~Vector512.Equals(x, x) & ~Vector512.Equals(best, best));
                TSlot.Store(g & here, gradRow + at, count);
                Vector512.AndNot(g, here).Store(left);
            }
        }
    }
}
