using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Convolution;

/// <summary>
/// Convolution on this process's cores: what its ways share. Results are divided into bands, and where there are few of them a band's outputs into shares; a chunk is
/// one share of one band, with memory of its own. One call at a time.
/// </summary>
internal abstract unsafe class HostConvolution : IDisposable
{
    /// <summary>Values between the end of one row of a matrix and the next one's start: at distances of a power of two the rows of a tile would share a few sets of the cache.</summary>
    protected const int Gap = 16;

    /// <summary>Chunks per thread at least, where there is that much to do: the last to end are waited for.</summary>
    const int ChunksPerThread = 4;

    readonly HostTeam team;
    readonly HostScratch scratch;
    readonly Action<int> chunk;
    readonly int wanted;
    long items;

    protected HostConvolution(int threads)
    {
        team = new HostTeam(threads);
        scratch = new HostScratch(threads);
        chunk = Run;
        wanted = threads == 1 ? 1 : ChunksPerThread * threads;
    }

    // The call in progress.
    protected PackedFilters Filters { get; private set; } = null!;

    protected ConvolutionShape Shape { get; private set; }

    protected int OutputHeight { get; private set; }

    protected int OutputWidth { get; private set; }

    /// <summary>Values of a pixel of the output.</summary>
    protected int PixelValues { get; private set; }

    protected bool Relu { get; private set; }

    protected float* Input { get; private set; }

    /// <summary>As <see cref="Output"/>, or null.</summary>
    protected float* Residual { get; private set; }

    protected float* Output { get; private set; }

    /// <summary>Items of a band, the last of which may have fewer.</summary>
    protected int Band { get; private set; }

    /// <summary>Shares of a band.</summary>
    protected int Shares { get; private set; }

    public void Apply(PackedFilters filters, ConvolutionShape shape, float* input, float* residual, float* output, bool relu, int pixelValues)
    {
        (Filters, Shape, Relu, PixelValues) = (filters, shape, relu, pixelValues);
        (OutputHeight, OutputWidth) = (shape.OutputHeight(filters.Kernel), shape.OutputWidth(filters.Kernel));
        Input = input;
        Residual = residual;
        Output = output;
        items = Prepare();
        int rows = filters.Tile.Rows;
        Band = BandTiles((items + rows - 1) / rows, wanted) * rows;
        int bands = checked((int)((items + Band - 1) / Band));
        Shares = Math.Clamp((wanted + bands - 1) / bands, 1, MaxShares);
        scratch.Grow(ScratchValues);
        team.Run(chunk, bands * Shares);
    }

    void Run(int index)
    {
        long first = (long)(index / Shares) * Band;
        float* memory = scratch.Take(out int ticket);
        try
        {
            Chunk(first, (int)Math.Min(Band, items - first), index % Shares, memory);
        }
        finally
        {
            scratch.Return(ticket);
        }
    }

    /// <summary>Settles what follows from the call's sizes.</summary>
    /// <returns>Items to divide into bands, 1 or more.</returns>
    protected abstract long Prepare();

    /// <returns>Tiles of a band, 1 or more.</returns>
    /// <param name="tiles">Of all items.</param>
    /// <param name="wanted">Chunks at least, if that many come of it.</param>
    protected abstract int BandTiles(long tiles, int wanted);

    /// <summary>Into how many shares a band can be divided.</summary>
    protected abstract int MaxShares { get; }

    /// <summary>Of a chunk's memory.</summary>
    protected abstract long ScratchValues { get; }

    protected abstract void Chunk(long first, int count, int share, float* memory);

    public void Dispose() => scratch.Dispose();
}
