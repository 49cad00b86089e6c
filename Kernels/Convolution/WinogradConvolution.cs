using System.Runtime.CompilerServices;

namespace Osprey.Kernels.Convolution;

/// <summary>
/// 3×3 convolution with filters that are transformed (<see cref="WinogradTransform"/>). A chunk takes a band of patches, writes their sixteen points down as so many
/// matrices [patch][input], and multiplies them with a few panels at a time, whose products stay in the second-level cache until they are put together to results.
/// </summary>
internal sealed unsafe class WinogradConvolution(int threads) : HostConvolution(threads)
{
    /// <summary>Patches of a band, 192 results: filters of many inputs come from far away once per band, and this many multiplications meet each of their values.</summary>
    const int BandPatches = 48;

    /// <summary>Outputs whose products are held at a time, as many as a second-level cache holds of a band.</summary>
    const int GroupOutputs = 64;

    /// <summary>Patches of an image, both ways.</summary>
    int down, across;

    /// <summary>From one patch's values to the next one's.</summary>
    int distance;

    int Groups => (Filters.Outputs + GroupOutputs - 1) / GroupOutputs;

    protected override int MaxShares => Groups;

    /// <summary>From one point's matrix of inputs to the next one's.</summary>
    long InputMatrix => (long)Band * distance;

    /// <summary>From one point's matrix of products to the next one's.</summary>
    int ProductMatrix => Band * GroupOutputs;

    /// <summary>The points of a band, the products of a group, and a pixel of zeros for what is outside.</summary>
    protected override long ScratchValues => (WinogradTransform.Points * (InputMatrix + ProductMatrix)) + Filters.Inputs;

    protected override long Prepare()
    {
        (down, across) = ((OutputHeight + 1) / WinogradTransform.Results, (OutputWidth + 1) / WinogradTransform.Results);
        distance = Filters.Inputs + Gap;
        return (long)Shape.Images * down * across;
    }

    protected override int BandTiles(long tiles, int wanted) => (int)Math.Clamp(tiles * Groups / wanted, 1, BandPatches / Filters.Tile.Rows);

    protected override void Chunk(long first, int count, int share, float* memory)
    {
        float* points = memory, products = points + (WinogradTransform.Points * InputMatrix), zeros = products + ((long)WinogradTransform.Points * ProductMatrix);
        new Span<float>(zeros, Filters.Inputs).Clear();
        Transform(first, count, points, zeros);
        for (int group = share * Groups / Shares; group < (share + 1) * Groups / Shares; group++)
        {
            int column = group * GroupOutputs, outputs = Math.Min(GroupOutputs, Filters.Outputs - column);
            Multiply(column, outputs, count, points, products);
            Put(first, count, column, outputs, products);
        }
    }

    /// <summary>The points of some patches, [point][patch][input].</summary>
    void Transform(long first, int count, float* points, float* zeros)
    {
        ConvolutionShape shape = Shape;
        float** pixels = stackalloc float*[WinogradTransform.Points];
        for (int patch = 0; patch < count; patch++)
        {
            (long image, int top, int left) = Place(first + patch);
            for (int pixel = 0; pixel < WinogradTransform.Points; pixel++)
            {
                int y = top - shape.Padding + (pixel / WinogradTransform.Patch), x = left - shape.Padding + (pixel % WinogradTransform.Patch);
                bool inside = (uint)y < (uint)shape.Height && (uint)x < (uint)shape.Width;
                pixels[pixel] = inside ? Input + (((((image * shape.Height) + y) * shape.Width) + x) * Filters.Inputs) : zeros;
            }
            WinogradTransform.Input(pixels, Filters.Inputs, points + ((long)patch * distance), (nint)InputMatrix);
        }
    }

    /// <summary>The image of a patch, and the upper left of its results.</summary>
    (long Image, int Y, int X) Place(long patch) =>
        (patch / across / down, (int)(patch / across % down) * WinogradTransform.Results, (int)(patch % across) * WinogradTransform.Results);

    /// <summary>The products of some outputs, [point][patch][output].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Multiply(int column, int outputs, int count, float* points, float* products)
    {
        PackedFilters filters = Filters;
        ConvolutionTile tile = filters.Tile;
        float* noBias = stackalloc float[tile.Width];
        new Span<float>(noBias, tile.Width).Clear();
        for (int point = 0; point < WinogradTransform.Points; point++, points += InputMatrix, products += ProductMatrix)
        {
            for (int o = 0; o < outputs; o += tile.Width)
            {
                float* weights = filters.Weights + ((((long)point * filters.Panels) + ((column + o) / tile.Width)) * filters.PanelValues);
                for (int patch = 0; patch < count; patch += tile.Rows)
                {
                    // Whole tiles: a band has room for them, and what the last one has too much nobody reads.
                    tile.Multiply(
                        points + ((long)patch * distance), distance, weights, filters.Depth, noBias, null, products + ((nint)patch * GroupOutputs) + o,
                        GroupOutputs, tile.Rows, half: false, relu: false);
                }
            }
        }
    }

    /// <summary>Products to results.</summary>
    void Put(long first, int count, int column, int outputs, float* products)
    {
        nint line = (nint)OutputWidth * PixelValues;
        for (int patch = 0; patch < count; patch++)
        {
            (long image, int y, int x) = Place(first + patch);
            long at = ((((image * OutputHeight) + y) * OutputWidth) + x) * PixelValues + column;
            WinogradTransform.Output(
                products + ((nint)patch * GroupOutputs), ProductMatrix, outputs, Filters.Bias + column, Residual == null ? null : Residual + at, Output + at,
                x + 1 < OutputWidth ? PixelValues : 0, y + 1 < OutputHeight ? line : 0, Relu);
        }
    }
}
