using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Convolution;

/// <summary>
/// The micro-kernel of convolution: some windows by one panel of filters, with every sum in a register. Which of them multiplies is settled when filters are packed,
/// as a panel is as wide as a tile. All give the same bits.
/// </summary>
internal abstract unsafe class ConvolutionTile
{
    /// <summary>The one that this processor runs fastest.</summary>
    public static ConvolutionTile Best { get; } = Vector512.IsHardwareAccelerated ? new ConvolutionTile512() : new ConvolutionTile256();

    /// <summary>Windows.</summary>
    public abstract int Rows { get; }

    /// <summary>Outputs of a panel.</summary>
    public abstract int Width { get; }

    /// <summary>Writes bias + Σ windows·filters, + residual, the larger of that and 0.</summary>
    /// <param name="windows"><see cref="Rows"/>, each <paramref name="distance"/> values behind the one before.</param>
    /// <param name="distance">Values.</param>
    /// <param name="filters">[depth][<see cref="Width"/>].</param>
    /// <param name="depth">Values of a window, 1 or more.</param>
    /// <param name="bias">[<see cref="Width"/>].</param>
    /// <param name="residual">As <paramref name="output"/>, or null.</param>
    /// <param name="output">Where the first window's results go.</param>
    /// <param name="pixelValues">From there to where the second's go.</param>
    /// <param name="rows">Windows whose results are written, 1 to <see cref="Rows"/>.</param>
    /// <param name="half">Whether the first sixteen outputs alone are, of 32.</param>
    /// <param name="relu">Whether negative results become 0.</param>
    public abstract void Multiply(
        float* windows, nint distance, float* filters, int depth, float* bias, float* residual, float* output, nint pixelValues, int rows, bool half, bool relu);
}
