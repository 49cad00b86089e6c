using ILGPU;
using ILGPU.Runtime;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>
/// Pooling as CUDA kernels: a warp per plane, several planes per group; lanes read neighbouring activations and meet in shuffles. Spans are copied to
/// and from buffers that stay. ∂L/∂p is summed on the host, in double, in the planes' order.
/// </summary>
internal sealed class CudaPooling : IDisposable
{
    readonly PoolingKind kind;
    readonly Accelerator accelerator;
    readonly int groupSize, planesPerGroup;
    readonly DeviceBuffer<float> map, pooled, gradPooled, gradMap, powerTerms;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, int, CubePower>? cube;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, int, AnyPower>? any;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, CubePower>? cubeBack;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, AnyPower>? anyBack;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, int>? plain;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, int>? spocBack;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int>? macBack;
    float[] powerTermsHere = [];

    public CudaPooling(Accelerator accelerator, PoolingKind kind)
    {
        this.accelerator = accelerator;
        this.kind = kind;
        groupSize = Math.Min(256, accelerator.MaxNumThreadsPerGroup);
        planesPerGroup = groupSize / accelerator.WarpSize;
        map = new(accelerator);
        pooled = new(accelerator);
        gradPooled = new(accelerator);
        gradMap = new(accelerator);
        powerTerms = new(accelerator);
        switch (kind)
        {
            case PoolingKind.Gem:
                cube = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, int, CubePower>(GemForward);
                any = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, int, AnyPower>(GemForward);
                cubeBack = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, CubePower>(GemBackward);
                anyBack = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, AnyPower>(GemBackward);
                break;
            case PoolingKind.Spoc:
                plain = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, int>(SpocForward);
                spocBack = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, int>(SpocBackward);
                break;
            default:
                plain = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, int>(MacForward);
                macBack = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int>(MacBackward);
                break;
        }
    }

    public void Forward(ReadOnlySpan<float> map, MapShape shape, float power, Span<float> pooled)
    {
        KernelConfig launch = Launch(shape);
        ArrayView<float> x = this.map.Holding(map), y = this.pooled.OfLength(shape.Rows);
        if (kind != PoolingKind.Gem) plain!(launch, x, y, shape.Plane);
        else if (power == 3) cube!(launch, x, y, shape.Plane, default);
        else any!(launch, x, y, shape.Plane, new AnyPower(power));
        y.CopyToCPU(accelerator.DefaultStream, pooled);
    }

    public float Backward(
        ReadOnlySpan<float> map, MapShape shape, float power, ReadOnlySpan<float> pooled, ReadOnlySpan<float> gradPooled, Span<float> gradMap, bool powerGradient)
    {
        KernelConfig launch = Launch(shape);
        ArrayView<float> g = this.gradPooled.Holding(gradPooled), d = this.gradMap.OfLength(shape.Length);
        ArrayView<float> terms = powerTerms.OfLength(powerGradient ? shape.Rows : 0);
        if (kind == PoolingKind.Spoc)
        {
            spocBack!(launch, g, d, shape.Plane);
        }
        else
        {
            ArrayView<float> x = this.map.Holding(map), y = this.pooled.Holding(pooled);
            if (kind == PoolingKind.Mac) macBack!(launch, x, y, g, d, shape.Plane);
            else if (power == 3) cubeBack!(launch, x, y, g, d, terms, shape.Plane, default);
            else anyBack!(launch, x, y, g, d, terms, shape.Plane, new AnyPower(power));
        }
        d.CopyToCPU(accelerator.DefaultStream, gradMap);
        if (!powerGradient) return 0;
        if (powerTermsHere.Length < shape.Rows) powerTermsHere = new float[shape.Rows];
        Span<float> here = powerTermsHere.AsSpan(0, shape.Rows);
        terms.CopyToCPU(accelerator.DefaultStream, here);
        double sum = 0;
        for (int row = 0; row < here.Length; row++) sum += (double)gradPooled[row] * pooled[row] * here[row];
        return (float)(sum / shape.Plane / power);
    }

    KernelConfig Launch(MapShape shape) => new((shape.Rows + planesPerGroup - 1) / planesPerGroup, groupSize);

    /// <summary>The plane of this warp; whole warps leave together where there is none.</summary>
    static long Row() => (long)Grid.IdxX * (Group.DimX / Warp.WarpSize) + Group.IdxX / Warp.WarpSize;

    static float Clamp(float x) => x < PoolingKernel.Floor ? PoolingKernel.Floor : x;

    /// <summary>The larger; NaN if either is.</summary>
    static float Larger(float a, float b) => a > b || float.IsNaN(a) ? a : b;

    static float WarpMaximum(ArrayView<float> x, int plane)
    {
        float best = float.NegativeInfinity;
        for (int i = Warp.LaneIdx; i < plane; i += Warp.WarpSize) best = Larger(x[i], best);
        for (int distance = Warp.WarpSize / 2; distance > 0; distance /= 2) best = Larger(best, Warp.ShuffleXor(best, distance));
        return best;
    }

    [CudaKernel(typeof(CubePower))]
    [CudaKernel(typeof(AnyPower))]
    static void GemForward<TPower>(ArrayView<float> map, ArrayView<float> pooled, int plane, TPower power)
        where TPower : struct, IGemPower
    {
        long row = Row();
        if (row >= pooled.Length) return;
        ArrayView<float> x = map.SubView(row * plane, plane);
        float scale = 1, inverse = 1;
        if (power.Scales) scale = PlaneScale.Of(Clamp(WarpMaximum(x, plane)), out inverse);
        float sum = 0;
        for (int i = Warp.LaneIdx; i < plane; i += Warp.WarpSize) sum += power.Raise(Clamp(x[i]) * inverse);
        sum = CudaMath.WarpSum(sum);
        if (Warp.LaneIdx == 0) pooled[row] = power.Root(sum / plane) * scale;
    }

    /// <summary>terms[row] = Σ t^p·ln t with t = x/y, where terms is not empty.</summary>
    [CudaKernel(typeof(CubePower))]
    [CudaKernel(typeof(AnyPower))]
    static void GemBackward<TPower>(
        ArrayView<float> map, ArrayView<float> pooled, ArrayView<float> gradPooled, ArrayView<float> gradMap, ArrayView<float> terms, int plane, TPower power)
        where TPower : struct, IGemPower
    {
        long row = Row();
        if (row >= pooled.Length) return;
        float inverse = 1 / pooled[row], factor = gradPooled[row] / plane;
        float sum = 0;
        for (int i = Warp.LaneIdx; i < plane; i += Warp.WarpSize)
        {
            float x = map[row * plane + i];
            float t = Clamp(x) * inverse;
            float less = power.RaiseLess(t);
            gradMap[row * plane + i] = x < PoolingKernel.Floor ? 0 : less * factor;
            if (terms.Length > 0) sum += less * t * Elementary.Log(t);
        }
        if (terms.Length == 0) return;
        sum = CudaMath.WarpSum(sum);
        if (Warp.LaneIdx == 0) terms[row] = sum;
    }

    [CudaKernel]
    static void SpocForward(ArrayView<float> map, ArrayView<float> pooled, int plane)
    {
        long row = Row();
        if (row >= pooled.Length) return;
        float sum = 0;
        for (int i = Warp.LaneIdx; i < plane; i += Warp.WarpSize) sum += map[row * plane + i];
        sum = CudaMath.WarpSum(sum);
        if (Warp.LaneIdx == 0) pooled[row] = sum / plane;
    }

    [CudaKernel]
    static void SpocBackward(ArrayView<float> gradPooled, ArrayView<float> gradMap, int plane)
    {
        long row = Row();
        if (row >= gradPooled.Length) return;
        float share = gradPooled[row] / plane;
        for (int i = Warp.LaneIdx; i < plane; i += Warp.WarpSize) gradMap[row * plane + i] = share;
    }

    [CudaKernel]
    static void MacForward(ArrayView<float> map, ArrayView<float> pooled, int plane)
    {
        long row = Row();
        if (row >= pooled.Length) return;
        float best = WarpMaximum(map.SubView(row * plane, plane), plane);
        if (Warp.LaneIdx == 0) pooled[row] = best;
    }

    [CudaKernel]
    static void MacBackward(ArrayView<float> map, ArrayView<float> pooled, ArrayView<float> gradPooled, ArrayView<float> gradMap, int plane)
    {
        long row = Row();
        if (row >= pooled.Length) return;
        float best = pooled[row];
        int first = int.MaxValue;
        for (int i = Warp.LaneIdx; i < plane; i += Warp.WarpSize)
        {
            float x = map[row * plane + i];
            gradMap[row * plane + i] = 0;
            if (i < first && (x == best || (float.IsNaN(x) && float.IsNaN(best)))) first = i;
        }
        for (int distance = Warp.WarpSize / 2; distance > 0; distance /= 2)
        {
            int other = Warp.ShuffleXor(first, distance);
            if (other < first) first = other;
        }
        // The lane that cleared the place writes to it: no other order of the two stores can be seen.
        if (first < plane && first % Warp.WarpSize == Warp.LaneIdx) gradMap[row * plane + first] = gradPooled[row];
    }

    public void Dispose()
    {
        map.Dispose();
        pooled.Dispose();
        gradPooled.Dispose();
        gradMap.Dispose();
        powerTerms.Dispose();
    }
}
