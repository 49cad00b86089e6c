using System.Runtime.CompilerServices;

namespace Osprey.Kernels.Convolution;

/// <summary>
/// Convolution as a matrix product that nobody writes down. A chunk takes a band of the result's pixels, copies their windows row by row to memory of its own (so that
/// they lie at one distance, and padding is zeros like any other), and multiplies each tile of them (<see cref="ConvolutionTile"/>) with a few panels of filters, which
/// stay in the cache for all tiles of the band. Windows of 1×1 that lie side by side are not copied.
/// </summary>
internal sealed unsafe class WindowConvolution(int threads) : HostConvolution(threads)
{
    /// <summary>Windows of a band, in bytes, about: half of a small second-level cache.</summary>
    const int BandBytes = 192 << 10;

    /// <summary>Filters that meet a tile of windows one after the other, in bytes, about: they stay in the second-level cache, and the results of a pixel are written side by side.</summary>
    const int PassBytes = 96 << 10;

    /// <summary>Windows that may lie a multiple of a page apart, and so in the same lines of a first-level cache, which has eight or twelve of each.</summary>
    const int RowsInPlace = 8;

    /// <summary>Values of a page.</summary>
    const int PageValues = 1024;

    int distance;
    bool inPlace;

    protected override int MaxShares => Filters.Panels;

    protected override long ScratchValues => (long)Band * distance;

    protected override long Prepare()
    {
        inPlace = Filters.Kernel == 1 && Shape.Stride == 1 && Shape.Padding == 0 && (Filters.Tile.Rows <= RowsInPlace || Filters.Inputs % PageValues != 0);
        distance = inPlace ? Filters.Inputs : ((Filters.Depth + Gap - 1) / Gap * Gap) + Gap;
        return Shape.Pixels(Filters.Kernel);
    }

    protected override int BandTiles(long tiles, int wanted) =>
        (int)Math.Clamp(BandBytes / ((long)distance * Filters.Tile.Rows * sizeof(float)), 1, Math.Max(1, tiles / wanted));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Chunk(long first, int count, int share, float* memory)
    {
        PackedFilters filters = Filters;
        int rows = filters.Tile.Rows;
        // What lies where it should is left there, but for a tile that would end behind the image.
        int copied = inPlace ? count % rows : count, left = count - copied;
        if (copied > 0) Copy(first + left, copied, memory);
        float* windows = Input + (first * filters.Inputs);
        int panel = share * filters.Panels / Shares, last = (share + 1) * filters.Panels / Shares;
        int together = (int)Math.Clamp(PassBytes / (filters.PanelValues * sizeof(float)), 1, filters.Panels);
        for (; panel < last; panel += together)
        {
            int end = Math.Min(panel + together, last);
            for (int row = 0; row < count; row += rows)
            {
                float* from = row < left ? windows + ((long)row * distance) : memory + ((long)(row - left) * distance);
                for (int p = panel; p < end; p++)
                {
                    int column = p * filters.Tile.Width;
                    long at = ((first + row) * PixelValues) + column;
                    filters.Tile.Multiply(
                        from, distance, filters.Weights + (p * filters.PanelValues), filters.Depth, filters.Bias + column, Residual == null ? null : Residual + at, Output + at,
                        PixelValues, Math.Min(rows, count - row), filters.Outputs - column < filters.Tile.Width, Relu);
                }
            }
        }
    }

    /// <summary>The windows of some pixels, [count][ky][kx][input], each <see cref="distance"/> from the next; up to a whole tile, the last of them zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Copy(long first, int count, float* windows)
    {
        ConvolutionShape shape = Shape;
        int kernel = Filters.Kernel, inputs = Filters.Inputs;
        int x = (int)(first % OutputWidth), y = (int)(first / OutputWidth % OutputHeight);
        long image = first / OutputWidth / OutputHeight;
        for (int row = 0; row < count; row++)
        {
            float* window = windows + ((long)row * distance);
            // The taps of one row of the window are neighbours in the image, too: one copy, but for what is outside.
            int left = (x * shape.Stride) - shape.Padding, before = Math.Clamp(-left, 0, kernel), inside = Math.Clamp(shape.Width - left, before, kernel) - before;
            for (int ky = 0; ky < kernel; ky++, window += kernel * inputs)
            {
                int line = (y * shape.Stride) - shape.Padding + ky, taps = (uint)line < (uint)shape.Height ? inside : 0;
                if (taps < kernel) new Span<float>(window, kernel * inputs).Clear();
                if (taps > 0) Unsafe.CopyBlockUnaligned(window + (before * inputs), Input + ((((image * shape.Height) + line) * shape.Width + left + before) * inputs), (uint)(taps * inputs * sizeof(float)));
            }
            if (++x < OutputWidth) continue;
            x = 0;
            if (++y < OutputHeight) continue;
            y = 0;
            image++;
        }
        int missing = (Filters.Tile.Rows - (count % Filters.Tile.Rows)) % Filters.Tile.Rows;
        for (int row = count; row < count + missing; row++) new Span<float>(windows + ((long)row * distance), Filters.Depth).Clear();
    }
}
