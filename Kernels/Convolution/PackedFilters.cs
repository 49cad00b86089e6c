using System.Runtime.InteropServices;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Convolution;

/// <summary>
/// The filters of a convolution in the order in which <see cref="ConvolutionKernel"/> reads them: panels of a tile's width, the last one filled up with zeros:
/// [panel][ky][kx][input][width], or, transformed, a matrix for each point, [point][panel][input][width]. And a bias for each output. Made once from weights that do
/// not change any more; a copy, which no file is written from.
/// </summary>
public sealed unsafe class PackedFilters : IDisposable
{
    /// <param name="weights">[outputs, inputs, kernel, kernel], torch's order.</param>
    /// <param name="bias">[outputs].</param>
    /// <param name="outputs">A multiple of 16.</param>
    /// <param name="inputs">1 or more.</param>
    /// <param name="kernel">Side of the window, pixels, 1 or more.</param>
    /// <param name="winograd">
    /// Whether they are transformed for minimal filtering, with 16 products where there were 36: for windows of 3×3, a stride of 1 and a multiple of 16 inputs. Rounds otherwise, and an infinity or
    /// a NaN may spread by one pixel.
    /// </param>
    /// <exception cref="ArgumentException">A size is out of its range, or a span has another length than follows from them.</exception>
    public PackedFilters(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int outputs, int inputs, int kernel, bool winograd = false)
        : this(weights, bias, outputs, inputs, kernel, winograd, ConvolutionTile.Best) { }

    internal PackedFilters(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int outputs, int inputs, int kernel, bool winograd, ConvolutionTile tile)
    {
        if (outputs < 16 || outputs % 16 != 0) throw new ArgumentException($"there are {outputs} outputs; give a multiple of 16");
        if (inputs < 1 || kernel < 1) throw new ArgumentException($"there are {inputs} inputs and windows of {kernel}×{kernel}; give 1 or more of each");
        if (weights.Length != (long)outputs * inputs * kernel * kernel) throw new ArgumentException($"{weights.Length} weights were given for [{outputs}, {inputs}, {kernel}, {kernel}]");
        if (bias.Length != outputs) throw new ArgumentException($"{bias.Length} biases were given for {outputs} outputs");
        if (winograd && !CanTransform(inputs, kernel)) throw new ArgumentException($"there are {inputs} inputs and windows of {kernel}×{kernel}; give a multiple of 16, and 3×3, for minimal filtering");
        (Outputs, Inputs, Kernel, IsWinograd, Tile) = (outputs, inputs, kernel, winograd, tile);
        Weights = Allocate((long)(winograd ? WinogradTransform.Points : 1) * Panels * PanelValues);
        Bias = Allocate((long)Panels * Tile.Width);
        int taps = kernel * kernel;
        Span<float> points = stackalloc float[WinogradTransform.Points];
        for (int o = 0; o < outputs; o++)
        {
            Bias[o] = bias[o];
            float* column = Weights + ((long)(o / Tile.Width) * PanelValues) + (o % Tile.Width);
            for (int i = 0; i < inputs; i++)
            {
                ReadOnlySpan<float> filter = weights.Slice(((o * inputs) + i) * taps, taps);
                if (!winograd)
                {
                    for (int tap = 0; tap < taps; tap++) column[((tap * inputs) + i) * Tile.Width] = filter[tap];
                    continue;
                }
                WinogradTransform.Filter(filter, points);
                for (int point = 0; point < points.Length; point++) column[((long)point * Panels * PanelValues) + (i * Tile.Width)] = points[point];
            }
        }
    }

    ~PackedFilters() => Free();

    public int Outputs { get; }

    public int Inputs { get; }

    /// <summary>Side of the window, pixels.</summary>
    public int Kernel { get; }

    /// <summary>Whether filters of this size can be transformed for minimal filtering.</summary>
    public static bool CanTransform(int inputs, int kernel) => kernel == 3 && inputs % 16 == 0;

    /// <summary>Whether they are transformed for minimal filtering.</summary>
    public bool IsWinograd { get; }

    /// <summary>What multiplies them.</summary>
    internal ConvolutionTile Tile { get; }

    /// <summary>Values that one sum goes over.</summary>
    internal int Depth => IsWinograd ? Inputs : Kernel * Kernel * Inputs;

    /// <summary>Values of a panel of one matrix.</summary>
    internal long PanelValues => (long)Depth * Tile.Width;

    internal int Panels => (Outputs + Tile.Width - 1) / Tile.Width;

    internal float* Weights { get; private set; }

    internal float* Bias { get; private set; }

    static float* Allocate(long values)
    {
        nuint bytes = (nuint)(values * sizeof(float));
        void* memory = HostMemory.Allocate(bytes);
        NativeMemory.Clear(memory, bytes);
        return (float*)memory;
    }

    void Free()
    {
        HostMemory.Free(Weights);
        HostMemory.Free(Bias);
        Weights = Bias = null;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }
}
