using ILGPU;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>CroW as CUDA kernels. The sums over the channels are those over the positions of the turned map (<see cref="MapGrid.Turned"/>).</summary>
internal static class CudaCrow
{
    /// <summary>sums[row] = factors[row]·Σ weights[n][i]·x over the plane; empty factors and weights are ones.</summary>
    [CudaKernel(typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(ushort), typeof(ShortValue))]
    public static void Sums<TRaw, TValue>(ArrayView<TRaw> map, ArrayView<float> weights, ArrayView<float> factors, ArrayView<float> sums, MapGrid grid, TValue value)
        where TRaw : unmanaged
        where TValue : struct, IMapValue<TRaw>
    {
        int row = grid.Row();
        float sum = 0;
        if (row >= 0)
        {
            long origin = grid.Origin(row), weight = (long)(row / grid.Channels) * grid.Plane;
            for (int i = grid.First(); i < grid.Plane; i += grid.Step())
            {
                float x = value.Read(map[origin + ((long)i * grid.Stride())]);
                sum = weights.Length > 0 ? CudaMath.Fma(weights[weight + i], x, sum) : sum + x;
            }
        }
        sum = grid.Sum(sum);
        if (row >= 0 && grid.Writes()) sums[row] = factors.Length > 0 ? factors[row] * sum : sum;
    }

    /// <summary>counts[row] = how many values of the plane are not 0.</summary>
    [CudaKernel(typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(ushort), typeof(ShortValue))]
    public static void Counts<TRaw, TValue>(ArrayView<TRaw> map, ArrayView<float> counts, MapGrid grid, TValue value)
        where TRaw : unmanaged
        where TValue : struct, IMapValue<TRaw>
    {
        int row = grid.Row();
        float count = 0;
        if (row >= 0)
        {
            long origin = grid.Origin(row);
            for (int i = grid.First(); i < grid.Plane; i += grid.Step()) count += value.Read(map[origin + ((long)i * grid.Stride())]) == 0 ? 0 : 1;
        }
        count = grid.Sum(count);
        if (row >= 0 && grid.Writes()) counts[row] = count;
    }

    /// <summary>
    /// A group per image: spatial[n][i] from the sums S, channel[n][c] from the counts, times gradPooled where that is not empty, and squares[n] = ‖S‖².
    /// </summary>
    [CudaKernel]
    public static void Weights(
        ArrayView<float> sums, ArrayView<float> counts, ArrayView<float> gradPooled, ArrayView<float> spatial, ArrayView<float> channel, ArrayView<float> squares, int plane, int channels)
    {
        long positions = (long)Grid.IdxX * plane, rows = (long)Grid.IdxX * channels;
        float square = 0, nonZeros = 0;
        for (int i = Group.IdxX; i < plane; i += Group.DimX) square = CudaMath.Fma(sums[positions + i], sums[positions + i], square);
        for (int c = Group.IdxX; c < channels; c += Group.DimX) nonZeros += counts[rows + c];
        square = CudaMath.GroupSum(square);
        nonZeros = CudaMath.GroupSum(nonZeros);
        float norm = CudaMath.Sqrt(square);
        for (int i = Group.IdxX; i < plane; i += Group.DimX) spatial[positions + i] = sums[positions + i] <= 0 ? 0 : CudaMath.Sqrt(sums[positions + i] / norm);
        for (int c = Group.IdxX; c < channels; c += Group.DimX)
        {
            float count = counts[rows + c], weight = count > 0 ? Elementary.Log(nonZeros / count) : 0;
            channel[rows + c] = gradPooled.Length > 0 ? weight * gradPooled[rows + c] : weight;
        }
        if (Group.IdxX == 0) squares[Grid.IdxX] = square;
    }

    /// <summary>A group per image: slopes = ∂L/∂S from a_i = Σ_c h_c·x_ci, which stands in <paramref name="slopes"/>.</summary>
    [CudaKernel]
    public static void Slopes(ArrayView<float> sums, ArrayView<float> spatial, ArrayView<float> squares, ArrayView<float> slopes, int plane)
    {
        long positions = (long)Grid.IdxX * plane;
        float along = 0, square = squares[Grid.IdxX];
        for (int i = Group.IdxX; i < plane; i += Group.DimX) along = CudaMath.Fma(slopes[positions + i], spatial[positions + i], along);
        along = CudaMath.GroupSum(along);
        float pull = square == 0 ? 0 : along / (2 * square);
        for (int i = Group.IdxX; i < plane; i += Group.DimX)
        {
            float sum = sums[positions + i], own = sum <= 0 ? 0 : slopes[positions + i] * spatial[positions + i] / (2 * sum);
            slopes[positions + i] = own - (sum * pull);
        }
    }

    /// <summary>∂L/∂x = h_c·s_i + ∂L/∂S_i.</summary>
    [CudaKernel(typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(ushort), typeof(ShortValue))]
    public static void Write<TRaw, TValue>(ArrayView<float> spatial, ArrayView<float> slopes, ArrayView<float> channel, ArrayView<TRaw> gradMap, MapGrid grid, TValue value)
        where TRaw : unmanaged
        where TValue : struct, IMapValue<TRaw>
    {
        int row = grid.Row();
        if (row < 0) return;
        long origin = grid.Origin(row), positions = (long)(row / grid.Channels) * grid.Plane;
        float h = channel[row];
        for (int i = grid.First(); i < grid.Plane; i += grid.Step())
            gradMap[origin + ((long)i * grid.Stride())] = value.Write(CudaMath.Fma(h, spatial[positions + i], slopes[positions + i]));
    }
}
