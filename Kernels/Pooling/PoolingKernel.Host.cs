using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>
/// Pooling on this process's cores: sixteen activations at a time, chunks shared among threads. The loops are compiled in full at once
/// (AggressiveOptimization, here and in the other operations): a short job would end before the runtime replaced its first, slow version.
/// </summary>
/// <typeparam name="T">The map's type: float, <see cref="Half"/> or <see cref="BFloat16"/>.</typeparam>
internal sealed unsafe class HostPooling<T> : IDisposable
    where T : unmanaged
{
    /// <summary>Activations of a chunk of planes: enough to hide the claiming of it, few enough to stay in a core's cache.</summary>
    const int ChunkLength = 32768;

    readonly PoolingKind kind;
    readonly HostTeam team;
    readonly Action<int> forward, backward;
    readonly HostScratch scratch;
    RegionGrid? regions;
    PoolingCall<T> call;
    bool cube;
    int rowsPerChunk;

    public HostPooling(PoolingKind kind, HostTeam team, int threads)
    {
        this.kind = kind;
        this.team = team;
        scratch = new HostScratch(threads);
        forward = ForwardChunk;
        backward = BackwardChunk;
    }

    public void Forward(ReadOnlySpan<T> map, MapShape shape, ReadOnlySpan<float> powers, Span<float> pooled)
    {
        fixed (T* m = map)
        fixed (float* p = powers, y = pooled)
        {
            call = new() { Shape = shape, Map = m, Powers = p, PowerStep = powers.Length > 1 ? 1 : 0, Pooled = y };
            team.Run(forward, Begin(forward: true));
        }
    }

    /// <param name="terms">[N,C] or empty.</param>
    public void Backward(
        ReadOnlySpan<T> map, MapShape shape, ReadOnlySpan<float> powers, ReadOnlySpan<float> pooled, ReadOnlySpan<float> gradPooled, Span<T> gradMap, Span<float> terms)
    {
        fixed (T* m = map, d = gradMap)
        fixed (float* p = powers, y = pooled, g = gradPooled, t = terms)
        {
            call = new() { Shape = shape, Map = m, GradMap = d, Powers = p, PowerStep = powers.Length > 1 ? 1 : 0, Pooled = y, GradPooled = g, Terms = t };
            team.Run(backward, Begin(forward: false));
        }
    }

    /// <summary>Prepares the chunks of the call and counts them.</summary>
    int Begin(bool forward)
    {
        MapShape shape = call.Shape;
        cube = call.PowerStep == 0 && kind == PoolingKind.Gem && call.Powers[0] == 3;
        switch (kind)
        {
            case PoolingKind.Rmac:
                if (regions is null || regions.Height != shape.Height || regions.Width != shape.Width) regions = new RegionGrid(shape.Height, shape.Width);
                scratch.Grow(RegionPooling<T>.Scratch(shape, regions));
                return shape.Batch;
            case PoolingKind.Crow:
                scratch.Grow(CrowPooling<T>.Scratch(shape));
                return shape.Batch;
            default:
                if (shape.Layout == MapLayout.ChannelsLast) return shape.Batch * ChannelPooling<T>.Blocks(shape, twice: forward && kind == PoolingKind.Gem && !cube);
                // Sixteen planes at least: they end together.
                rowsPerChunk = Math.Max(1, ChunkLength / shape.Plane / Lanes.Count) * Lanes.Count;
                return (shape.Rows + rowsPerChunk - 1) / rowsPerChunk;
        }
    }

    void ForwardChunk(int chunk)
    {
        bool last = call.Shape.Layout == MapLayout.ChannelsLast;
        int from = chunk * rowsPerChunk, to = Math.Min(from + rowsPerChunk, call.Shape.Rows);
        switch (kind)
        {
            case PoolingKind.Gem when last && cube: ChannelPooling<T>.Gem<CubePower>(call, chunk); break;
            case PoolingKind.Gem when last: ChannelPooling<T>.Gem<AnyPower>(call, chunk); break;
            case PoolingKind.Gem when cube: PlanePooling<T>.Gem<CubePower>(call, from, to); break;
            case PoolingKind.Gem: PlanePooling<T>.Gem<AnyPower>(call, from, to); break;
            case PoolingKind.Spoc when last: ChannelPooling<T>.Spoc(call, chunk); break;
            case PoolingKind.Spoc: PlanePooling<T>.Spoc(call, from, to); break;
            case PoolingKind.Mac when last: ChannelPooling<T>.Mac(call, chunk); break;
            case PoolingKind.Mac: PlanePooling<T>.Mac(call, from, to); break;
            default: WithScratch(chunk, backward: false); break;
        }
    }

    void BackwardChunk(int chunk)
    {
        bool last = call.Shape.Layout == MapLayout.ChannelsLast;
        int from = chunk * rowsPerChunk, to = Math.Min(from + rowsPerChunk, call.Shape.Rows);
        switch (kind)
        {
            case PoolingKind.Gem when last && cube: ChannelPooling<T>.GemBack<CubePower>(call, chunk); break;
            case PoolingKind.Gem when last: ChannelPooling<T>.GemBack<AnyPower>(call, chunk); break;
            case PoolingKind.Gem when cube: PlanePooling<T>.GemBack<CubePower>(call, from, to); break;
            case PoolingKind.Gem: PlanePooling<T>.GemBack<AnyPower>(call, from, to); break;
            case PoolingKind.Spoc when last: ChannelPooling<T>.SpocBack(call, chunk); break;
            case PoolingKind.Spoc: PlanePooling<T>.SpocBack(call, from, to); break;
            case PoolingKind.Mac when last: ChannelPooling<T>.MacBack(call, chunk); break;
            case PoolingKind.Mac: PlanePooling<T>.MacBack(call, from, to); break;
            default: WithScratch(chunk, backward: true); break;
        }
    }

    void WithScratch(int image, bool backward)
    {
        float* memory = scratch.Take(out int ticket);
        switch (kind, backward)
        {
            case (PoolingKind.Rmac, false): RegionPooling<T>.Forward(call, regions!, image, memory); break;
            case (PoolingKind.Rmac, true): RegionPooling<T>.Backward(call, regions!, image, memory); break;
            case (_, false): CrowPooling<T>.Forward(call, image, memory); break;
            default: CrowPooling<T>.Backward(call, image, memory); break;
        }
        scratch.Return(ticket);
    }

    public void Dispose() => scratch.Dispose();
}
