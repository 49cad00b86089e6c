using System.Runtime.CompilerServices;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Convolution;

/// <summary>
/// Convolution on this process's cores as a matrix product that nobody writes down. A chunk takes a band of the result's pixels, copies their windows row by row to
/// memory of its own (so that they lie at one distance, and padding is zeros like any other), and multiplies them with one panel of filters after the other, twelve
/// pixels by 32 outputs at a time (<see cref="ConvolutionTile"/>). The panel stays in the second-level cache for all tiles of the band.
/// </summary>
internal sealed unsafe class WindowConvolution : IDisposable
{
    /// <summary>Windows of a band, in bytes, about: half of a small second-level cache.</summary>
    const int BandBytes = 192 << 10;

    /// <summary>Filters that meet a tile of windows one after the other, in bytes, about: they stay in the second-level cache, and the results of a pixel are written side by side.</summary>
    const int PassBytes = 96 << 10;

    /// <summary>Chunks per thread at least, where there is that much to do: the last to end are waited for.</summary>
    const int ChunksPerThread = 4;

    /// <summary>Values between a window's end and the next one's start: at distances of a power of two the windows of a tile would share a few sets of the cache.</summary>
    const int Gap = 16;

    readonly int threads;
    readonly HostTeam team;
    readonly HostScratch scratch;
    readonly Action<int> chunk;

    // The call in progress.
    PackedFilters filters = null!;
    ConvolutionShape shape;
    int outputHeight, outputWidth, distance, band, groups, pixelValues;
    long pixels;
    bool relu, inPlace;
    float* input, residual, output;

    public WindowConvolution(int threads)
    {
        this.threads = threads;
        team = new HostTeam(threads);
        scratch = new HostScratch(threads);
        chunk = Chunk;
    }

    public void Apply(PackedFilters filters, ConvolutionShape shape, float* input, float* residual, float* output, bool relu, int pixelValues)
    {
        (this.filters, this.shape, this.relu, this.pixelValues) = (filters, shape, relu, pixelValues);
        this.input = input;
        this.residual = residual;
        this.output = output;
        (outputHeight, outputWidth, pixels) = (shape.OutputHeight(filters.Kernel), shape.OutputWidth(filters.Kernel), shape.Pixels(filters.Kernel));
        inPlace = filters.Kernel == 1 && shape.Stride == 1 && shape.Padding == 0 && (filters.Tile.Rows <= 8 || filters.Inputs % 1024 != 0);
        distance = inPlace ? filters.Inputs : ((filters.Depth + Gap - 1) / Gap * Gap) + Gap;
        long tiles = (pixels + filters.Tile.Rows - 1) / filters.Tile.Rows, wanted = threads == 1 ? 1 : (long)ChunksPerThread * threads;
        long perBand = Math.Clamp(BandBytes / ((long)distance * filters.Tile.Rows * sizeof(float)), 1, Math.Max(1, tiles / wanted));
        band = (int)perBand * filters.Tile.Rows;
        int bands = checked((int)((pixels + band - 1) / band));
        // Few pixels: several chunks share a band, and each copies its windows anew.
        groups = (int)Math.Clamp(wanted / bands, 1, filters.Panels);
        scratch.Grow((long)band * distance);
        team.Run(chunk, bands * groups);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Chunk(int chunk)
    {
        long first = (long)(chunk / groups) * band;
        int rows = (int)Math.Min(band, pixels - first), group = chunk % groups;
        float* windows = scratch.Take(out int ticket);
        try
        {
            // Windows of one pixel lie where they are as they should, but for a tile that would end behind the image.
            int gathered = inPlace ? rows % filters.Tile.Rows : rows, there = rows - gathered;
            if (gathered > 0) Gather(first + there, gathered, windows);
            float* pixels = input + (first * filters.Inputs);
            int last = (group + 1) * filters.Panels / groups, together = (int)Math.Clamp(PassBytes / (filters.PanelValues * sizeof(float)), 1, filters.Panels);
            for (int panel = group * filters.Panels / groups; panel < last; panel += together)
            {
                for (int row = 0; row < rows; row += filters.Tile.Rows)
                {
                    float* from = row < there ? pixels + ((long)row * distance) : windows + ((long)(row - there) * distance);
                    for (int p = panel; p < Math.Min(panel + together, last); p++)
                    {
                        int column = p * filters.Tile.Width;
                        long at = ((first + row) * pixelValues) + column;
                        filters.Tile.Multiply(
                            from, distance, filters.Weights + (p * filters.PanelValues), filters.Depth, filters.Bias + column, residual == null ? null : residual + at, output + at,
                            pixelValues, Math.Min(filters.Tile.Rows, rows - row), filters.Outputs - column < filters.Tile.Width, relu);
                    }
                }
            }
        }
        finally
        {
            scratch.Return(ticket);
        }
    }

    /// <summary>The windows of some pixels, [rows][ky][kx][input], each <see cref="distance"/> from the next; up to a whole tile, the last of them zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Gather(long first, int rows, float* windows)
    {
        int kernel = filters.Kernel, inputs = filters.Inputs;
        int x = (int)(first % outputWidth), y = (int)(first / outputWidth % outputHeight);
        long image = first / outputWidth / outputHeight;
        for (int row = 0; row < rows; row++)
        {
            float* window = windows + ((long)row * distance);
            // The taps of one row of the window are neighbours in the image, too: one copy, but for what is outside.
            int left = (x * shape.Stride) - shape.Padding, before = Math.Clamp(-left, 0, kernel), inside = Math.Clamp(shape.Width - left, before, kernel) - before;
            for (int ky = 0; ky < kernel; ky++, window += kernel * inputs)
            {
                int line = (y * shape.Stride) - shape.Padding + ky, taps = (uint)line < (uint)shape.Height ? inside : 0;
                if (taps < kernel) new Span<float>(window, kernel * inputs).Clear();
                if (taps > 0) Unsafe.CopyBlockUnaligned(window + (before * inputs), input + ((((image * shape.Height) + line) * shape.Width + left + before) * inputs), (uint)(taps * inputs * sizeof(float)));
            }
            if (++x < outputWidth) continue;
            x = 0;
            if (++y < outputHeight) continue;
            y = 0;
            image++;
        }
        int missing = (filters.Tile.Rows - (rows % filters.Tile.Rows)) % filters.Tile.Rows;
        for (int row = rows; row < rows + missing; row++) new Span<float>(windows + ((long)row * distance), filters.Depth).Clear();
    }

    public void Dispose() => scratch.Dispose();
}
