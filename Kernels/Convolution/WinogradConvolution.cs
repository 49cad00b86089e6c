using System.Runtime.CompilerServices;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Convolution;

/// <summary>
/// 3×3 convolution with filters that are transformed (<see cref="WinogradTransform"/>). A chunk takes a band of patches, writes their sixteen points down as so many
/// matrices [patch][input], and multiplies them with a few panels at a time, whose products stay in the second-level cache until they are put together to results.
/// </summary>
internal sealed unsafe class WinogradConvolution : IDisposable
{
    /// <summary>Patches of a band, 192 results: so many multiplications for each value of the filters, which are read once per band from far away where there are many inputs.</summary>
    const int BandPatches = 48;

    /// <summary>Outputs whose products are held at a time, as many as a cache holds of a band.</summary>
    const int GroupOutputs = 64;

    /// <summary>Chunks per thread at least, where there is that much to do: the last to end are waited for.</summary>
    const int ChunksPerThread = 4;

    /// <summary>Values between a patch's end and the next one's start: at distances of a power of two the patches of a tile would share a few sets of the cache.</summary>
    const int Gap = 16;

    readonly int threads;
    readonly HostTeam team;
    readonly HostScratch scratch;
    readonly Action<int> chunk;

    // The call in progress.
    PackedFilters filters = null!;
    ConvolutionShape shape;
    int outputHeight, outputWidth, down, across, distance, band, shares, pixelValues;
    long patches;
    bool relu;
    float* input, residual, output;

    public WinogradConvolution(int threads)
    {
        this.threads = threads;
        team = new HostTeam(threads);
        scratch = new HostScratch(threads);
        chunk = Chunk;
    }

    int Groups => (filters.Outputs + GroupOutputs - 1) / GroupOutputs;

    long BandValues => (long)band * distance;

    public void Apply(PackedFilters filters, ConvolutionShape shape, float* input, float* residual, float* output, bool relu, int pixelValues)
    {
        (this.filters, this.shape, this.relu, this.pixelValues) = (filters, shape, relu, pixelValues);
        this.input = input;
        this.residual = residual;
        this.output = output;
        (outputHeight, outputWidth) = (shape.OutputHeight(filters.Kernel), shape.OutputWidth(filters.Kernel));
        (down, across) = ((outputHeight + 1) / WinogradTransform.Results, (outputWidth + 1) / WinogradTransform.Results);
        patches = (long)shape.Images * down * across;
        distance = filters.Inputs + Gap;
        int rows = filters.Tile.Rows;
        long tiles = (patches + rows - 1) / rows, wanted = threads == 1 ? 1 : (long)ChunksPerThread * threads;
        band = (int)Math.Clamp(tiles * Groups / wanted, 1, BandPatches / rows) * rows;
        int bands = checked((int)((patches + band - 1) / band));
        // Few patches: several chunks share a band, and each transforms it anew.
        shares = (int)Math.Clamp((wanted + bands - 1) / bands, 1, Groups);
        // The points of a band, the products of a group, and a pixel of zeros for what is outside.
        scratch.Grow((WinogradTransform.Points * (BandValues + ((long)band * GroupOutputs))) + filters.Inputs);
        team.Run(chunk, bands * shares);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Chunk(int chunk)
    {
        long first = (long)(chunk / shares) * band;
        int count = (int)Math.Min(band, patches - first), share = chunk % shares;
        float* points = scratch.Take(out int ticket), products = points + (WinogradTransform.Points * BandValues), zeros = products + ((long)WinogradTransform.Points * band * GroupOutputs);
        try
        {
            new Span<float>(zeros, filters.Inputs).Clear();
            Gather(first, count, points, zeros);
            for (int group = share * Groups / shares; group < (share + 1) * Groups / shares; group++)
            {
                int column = group * GroupOutputs, outputs = Math.Min(GroupOutputs, filters.Outputs - column);
                Multiply(column, outputs, count, points, products);
                Put(first, count, column, outputs, products);
            }
        }
        finally
        {
            scratch.Return(ticket);
        }
    }

    /// <summary>The points of some patches, [point][patch][input].</summary>
    void Gather(long first, int count, float* points, float* zeros)
    {
        float** pixels = stackalloc float*[WinogradTransform.Points];
        for (int patch = 0; patch < count; patch++)
        {
            (long image, int top, int left) = Place(first + patch);
            for (int pixel = 0; pixel < WinogradTransform.Points; pixel++)
            {
                int y = top - shape.Padding + (pixel / WinogradTransform.Patch), x = left - shape.Padding + (pixel % WinogradTransform.Patch);
                bool inside = (uint)y < (uint)shape.Height && (uint)x < (uint)shape.Width;
                pixels[pixel] = inside ? input + (((((image * shape.Height) + y) * shape.Width) + x) * filters.Inputs) : zeros;
            }
            WinogradTransform.Input(pixels, filters.Inputs, points + ((long)patch * distance), (nint)BandValues);
        }
    }

    /// <summary>The image of a patch, and the upper left of its results.</summary>
    (long Image, int Y, int X) Place(long patch) =>
        (patch / across / down, (int)(patch / across % down) * WinogradTransform.Results, (int)(patch % across) * WinogradTransform.Results);

    /// <summary>The products of some outputs, [point][patch][output].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Multiply(int column, int outputs, int count, float* points, float* products)
    {
        ConvolutionTile tile = filters.Tile;
        float* none = stackalloc float[tile.Width];
        new Span<float>(none, tile.Width).Clear();
        for (int point = 0; point < WinogradTransform.Points; point++, points += BandValues, products += (nint)band * GroupOutputs)
        {
            for (int o = 0; o < outputs; o += tile.Width)
            {
                float* weights = filters.Weights + ((((long)point * filters.Panels) + ((column + o) / tile.Width)) * filters.PanelValues);
                for (int patch = 0; patch < count; patch += tile.Rows)
                {
                    // Whole tiles: what the last one has too much is room of the band's that nobody reads.
                    tile.Multiply(points + ((long)patch * distance), distance, weights, filters.Depth, none, null, products + ((nint)patch * GroupOutputs) + o, GroupOutputs, tile.Rows, half: false, relu: false);
                }
            }
        }
    }

    /// <summary>Products to results.</summary>
    void Put(long first, int count, int column, int outputs, float* products)
    {
        nint line = (nint)outputWidth * pixelValues;
        for (int patch = 0; patch < count; patch++)
        {
            (long image, int y, int x) = Place(first + patch);
            long at = ((((image * outputHeight) + y) * outputWidth) + x) * pixelValues + column;
            WinogradTransform.Output(
                products + ((nint)patch * GroupOutputs), (nint)band * GroupOutputs, outputs, filters.Bias + column, residual == null ? null : residual + at, output + at,
                x + 1 < outputWidth ? pixelValues : 0, y + 1 < outputHeight ? line : 0, relu);
        }
    }

    public void Dispose() => scratch.Dispose();
}
