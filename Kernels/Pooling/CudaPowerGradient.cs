using ILGPU;
using Osprey.Kernels.Arithmetic;
using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Pooling;

/// <summary>
/// GeM's ∂L/∂p on the device, from Σ t^p·ln t of every plane: image by image for each channel, then over the channels of a power, in double, always in the same
/// order. On the device, since whoever asks for it there would wait for the stream otherwise.
/// </summary>
internal sealed class CudaPowerGradient : IDisposable
{
    readonly int groupSize;
    readonly ScratchBuffer<double> sums;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<double>> channels;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<double>, ArrayView<float>, int> powersKernel;

    public CudaPowerGradient(KernelLoader loader)
    {
        groupSize = Math.Min(256, loader.MaxGroupSize);
        sums = new(loader);
        channels = loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<double>>(ChannelSums);
        powersKernel = loader.Load<ArrayView<float>, ArrayView<double>, ArrayView<float>, int>(PowerSums);
    }

    /// <param name="shape">Of the map.</param>
    /// <param name="powers">One, or one per channel.</param>
    /// <param name="pooled">[N,C].</param>
    /// <param name="gradPooled">[N,C].</param>
    /// <param name="terms">[N,C]: Σ t^p·ln t.</param>
    /// <param name="gradPowers">As long as powers, written.</param>
    public void Run(MapShape shape, ArrayView<float> powers, ArrayView<float> pooled, ArrayView<float> gradPooled, ArrayView<float> terms, ArrayView<float> gradPowers)
    {
        ArrayView<double> s = sums.OfLength(shape.Channels);
        channels(new KernelConfig(((shape.Channels - 1) / groupSize) + 1, groupSize), pooled, gradPooled, terms, s);
        int warps = groupSize / KernelLoader.WarpSize;
        powersKernel(new KernelConfig((((int)gradPowers.Length - 1) / warps) + 1, groupSize), powers, s, gradPowers, shape.Plane);
    }

    /// <summary>A thread per channel.</summary>
    [CudaKernel]
    static void ChannelSums(ArrayView<float> pooled, ArrayView<float> gradPooled, ArrayView<float> terms, ArrayView<double> sums)
    {
        int channel = (Grid.IdxX * Group.DimX) + Group.IdxX;
        if (channel >= sums.Length) return;
        double sum = 0;
        for (long row = channel; row < terms.Length; row += sums.Length) sum += (double)gradPooled[row] * pooled[row] * terms[row];
        sums[channel] = sum;
    }

    /// <summary>A warp per power; whole warps leave together where there is none.</summary>
    [CudaKernel]
    static void PowerSums(ArrayView<float> powers, ArrayView<double> sums, ArrayView<float> gradPowers, int plane)
    {
        long power = ((long)Grid.IdxX * (Group.DimX / Warp.WarpSize)) + (Group.IdxX / Warp.WarpSize);
        if (power >= gradPowers.Length) return;
        long count = gradPowers.Length == 1 ? sums.Length : 1;
        double sum = 0;
        for (long i = Warp.LaneIdx; i < count; i += Warp.WarpSize) sum += sums[(power * count) + i];
        sum = CudaMath.WarpSum(sum);
        if (Warp.LaneIdx == 0) gradPowers[power] = (float)(sum / plane / powers[power]);
    }

    public void Dispose() => sums.Dispose();
}
