using ILGPU;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>GeM, SPoC and MAC as CUDA kernels, in either layout (<see cref="MapGrid"/>). Every thread of a group reaches every meeting.</summary>
internal static class CudaPlanes
{
    static float Clamp(float x) => x < PoolingKernel.Floor ? PoolingKernel.Floor : x;

    static float Power(ArrayView<float> powers, MapGrid grid, int row) => powers[powers.Length > 1 ? row % grid.Channels : 0];

    static float Largest<TRaw, TValue>(ArrayView<TRaw> map, MapGrid grid, TValue value, int row)
        where TRaw : unmanaged
        where TValue : struct, IMapValue<TRaw>
    {
        float best = float.NegativeInfinity;
        if (row >= 0)
        {
            long origin = grid.Origin(row);
            for (int i = grid.First(); i < grid.Plane; i += grid.Step()) best = MapGrid.Larger(value.Read(map[origin + ((long)i * grid.Stride())]), best);
        }
        return grid.Largest(best);
    }

    /// <param name="powers">One, or one per channel.</param>
    [CudaKernel(typeof(CubePower), typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(CubePower), typeof(ushort), typeof(ShortValue))]
    [CudaKernel(typeof(AnyPower), typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(AnyPower), typeof(ushort), typeof(ShortValue))]
    public static void GemForward<TPower, TRaw, TValue>(ArrayView<TRaw> map, ArrayView<float> powers, ArrayView<float> pooled, MapGrid grid, TPower power, TValue value)
        where TPower : struct, IGemPower
        where TRaw : unmanaged
        where TValue : struct, IMapValue<TRaw>
    {
        int row = grid.Row();
        float scale = 1, inverse = 1, p = 1, sum = 0;
        if (power.Scales) scale = PlaneScale.Of(Clamp(Largest(map, grid, value, row)), out inverse);
        if (row >= 0)
        {
            p = Power(powers, grid, row);
            long origin = grid.Origin(row);
            for (int i = grid.First(); i < grid.Plane; i += grid.Step())
                sum += power.Raise(Clamp(value.Read(map[origin + ((long)i * grid.Stride())])) * inverse, p);
        }
        sum = grid.Sum(sum);
        if (row >= 0 && grid.Writes()) pooled[row] = power.Root(sum / grid.Plane, p) * scale;
    }

    /// <summary>terms[row] = Σ t^p·ln t with t = x/y, where terms is not empty.</summary>
    [CudaKernel(typeof(CubePower), typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(CubePower), typeof(ushort), typeof(ShortValue))]
    [CudaKernel(typeof(AnyPower), typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(AnyPower), typeof(ushort), typeof(ShortValue))]
    public static void GemBackward<TPower, TRaw, TValue>(
        ArrayView<TRaw> map,
        ArrayView<float> powers,
        ArrayView<float> pooled,
        ArrayView<float> gradPooled,
        ArrayView<TRaw> gradMap,
        ArrayView<float> terms,
        MapGrid grid,
        TPower power,
        TValue value)
        where TPower : struct, IGemPower
        where TRaw : unmanaged
        where TValue : struct, IMapValue<TRaw>
    {
        int row = grid.Row();
        float sum = 0;
        if (row >= 0)
        {
            float p = Power(powers, grid, row), inverse = 1 / pooled[row], factor = gradPooled[row] / grid.Plane;
            long origin = grid.Origin(row);
            for (int i = grid.First(); i < grid.Plane; i += grid.Step())
            {
                long at = origin + ((long)i * grid.Stride());
                float x = value.Read(map[at]), t = Clamp(x) * inverse, less = power.RaiseLess(t, p);
                gradMap[at] = value.Write(x < PoolingKernel.Floor ? 0 : less * factor);
                if (terms.Length > 0) sum += less * t * Elementary.Log(t);
            }
        }
        if (terms.Length == 0) return;
        sum = grid.Sum(sum);
        if (row >= 0 && grid.Writes()) terms[row] = sum;
    }

    [CudaKernel(typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(ushort), typeof(ShortValue))]
    public static void SpocForward<TRaw, TValue>(ArrayView<TRaw> map, ArrayView<float> pooled, MapGrid grid, TValue value)
        where TRaw : unmanaged
        where TValue : struct, IMapValue<TRaw>
    {
        int row = grid.Row();
        float sum = 0;
        if (row >= 0)
        {
            long origin = grid.Origin(row);
            for (int i = grid.First(); i < grid.Plane; i += grid.Step()) sum += value.Read(map[origin + ((long)i * grid.Stride())]);
        }
        sum = grid.Sum(sum);
        if (row >= 0 && grid.Writes()) pooled[row] = sum / grid.Plane;
    }

    [CudaKernel(typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(ushort), typeof(ShortValue))]
    public static void SpocBackward<TRaw, TValue>(ArrayView<float> gradPooled, ArrayView<TRaw> gradMap, MapGrid grid, TValue value)
        where TRaw : unmanaged
        where TValue : struct, IMapValue<TRaw>
    {
        int row = grid.Row();
        if (row < 0) return;
        TRaw share = value.Write(gradPooled[row] / grid.Plane);
        long origin = grid.Origin(row);
        for (int i = grid.First(); i < grid.Plane; i += grid.Step()) gradMap[origin + ((long)i * grid.Stride())] = share;
    }

    [CudaKernel(typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(ushort), typeof(ShortValue))]
    public static void MacForward<TRaw, TValue>(ArrayView<TRaw> map, ArrayView<float> pooled, MapGrid grid, TValue value)
        where TRaw : unmanaged
        where TValue : struct, IMapValue<TRaw>
    {
        int row = grid.Row();
        float best = Largest(map, grid, value, row);
        if (row >= 0 && grid.Writes()) pooled[row] = best;
    }

    [CudaKernel(typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(ushort), typeof(ShortValue))]
    public static void MacBackward<TRaw, TValue>(
        ArrayView<TRaw> map, ArrayView<float> pooled, ArrayView<float> gradPooled, ArrayView<TRaw> gradMap, MapGrid grid, TValue value)
        where TRaw : unmanaged
        where TValue : struct, IMapValue<TRaw>
    {
        int row = grid.Row(), first = int.MaxValue;
        if (row >= 0)
        {
            float best = pooled[row];
            long origin = grid.Origin(row);
            for (int i = grid.First(); i < grid.Plane; i += grid.Step())
            {
                long at = origin + ((long)i * grid.Stride());
                float x = value.Read(map[at]);
                gradMap[at] = value.Write(0);
                if (i < first && (x == best || (float.IsNaN(x) && float.IsNaN(best)))) first = i;
            }
        }
        first = grid.Least(first);
        // The thread that cleared the place writes to it: no other order of the two stores can be seen.
        if (row >= 0 && first < grid.Plane && first % grid.Step() == grid.First())
            gradMap[grid.Origin(row) + ((long)first * grid.Stride())] = value.Write(gradPooled[row]);
    }
}
