using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Search;

/// <summary>
/// Cells of rows that lie close together, each a run of positions of <see cref="CodedRows"/>. With c a cell's centre as codes, the bound of a row holds for
/// the whole cell: p·y ≤ p̂·(c/s) + ‖p̂‖·radius + ‖p − p̂‖·norm, where the radius is at least ‖y − c/s‖ of each of its rows.
/// </summary>
sealed unsafe class CodedCells : IDisposable
{
    readonly int[] starts;
    readonly Scratch<float> figures = new();

    /// <param name="dimension">D.</param>
    /// <param name="starts">The first position of each cell, and the end of the last.</param>
    public CodedCells(int dimension, int[] starts)
    {
        this.starts = starts;
        Centres = new CentreCodes(dimension, starts.Length - 1);
        figures.Ensure(FigureCount);
        new Span<float>(figures.Pointer, FigureCount).Clear();
        new Span<float>(Offset, Centres.Places).Fill(float.PositiveInfinity);
        for (int place = Count; place < Centres.Places; place++) Half[place] = None[place] = float.PositiveInfinity;
    }

    /// <summary>Rows of a cell, at most: with those of its neighbours in its first and last block they fit a worker's memory for a tile.</summary>
    public static int MostRows(CodedRows rows) => Math.Max(rows.TileBlocks * CodeScan.BlockRows, CertifiedWorker.LeastPlaces) - (4 * CodeScan.BlockRows);

    public int Count => starts.Length - 1;

    public CentreCodes Centres { get; }

    /// <summary>[cell]: at least ‖y − c/s‖ of each row.</summary>
    public float* Radius => figures.Pointer;

    /// <summary>[cell]: at least ‖y‖ of each row.</summary>
    public float* Norm => figures.Pointer + Centres.Places;

    /// <summary>[cell]: L2: at most ‖y‖²/2 of each row; else 0.</summary>
    public float* Offset => figures.Pointer + (2 * Centres.Places);

    /// <summary>[cell]: ‖c/s‖², rounded.</summary>
    public float* Square => figures.Pointer + (3 * Centres.Places);

    /// <summary>[places]: half of it, to rank by; +∞ past the last cell.</summary>
    public float* Half => figures.Pointer + (4 * Centres.Places);

    /// <summary>[places]: zeros, and +∞ past the last cell.</summary>
    public float* None => figures.Pointer + (5 * Centres.Places);

    /// <summary>All of these.</summary>
    public float* Figures => figures.Pointer;

    public int FigureCount => 6 * Centres.Places;

    /// <summary>[cell + 1].</summary>
    public ReadOnlySpan<int> Starts => starts;

    public int First(int cell) => starts[cell];

    public int End(int cell) => starts[cell + 1];

    public long Bytes => Centres.Bytes + FigureCount * sizeof(float) + starts.Length * sizeof(int);

    /// <summary>The cell of a position.</summary>
    public int CellAt(int position)
    {
        int found = Array.BinarySearch(starts, position);
        return found >= 0 ? found : ~found - 1;
    }

    /// <summary>Widens a cell's figures so that they hold for more of its rows. Safe from several threads.</summary>
    /// <param name="cell">Which.</param>
    /// <param name="y">Rows less the centre of all, rotated.</param>
    /// <param name="order">Which of them, in the low halves.</param>
    /// <param name="stride">Values from row to row, zeros past D; a multiple of sixteen.</param>
    /// <param name="rounding">What y is off, relative to its norm.</param>
    /// <param name="similarity">L2 has an offset.</param>
    public void Include(int cell, float* y, ReadOnlySpan<ulong> order, int stride, double rounding, Similarity similarity)
    {
        double* centre = stackalloc double[stride];
        new Span<double>(centre, stride).Clear();
        Centres.Decode(cell, centre);
        double radius = 0, norm = 0, least = double.PositiveInfinity, square = 0;
        for (int d = 0; d < stride; d++) square += centre[d] * centre[d];
        foreach (ulong key in order)
        {
            float* row = y + ((nint)(uint)key * stride);
            // In double precision: squares of small values would vanish in float32.
            Vector512<double> far = Vector512<double>.Zero, own = far;
            for (int d = 0; d < stride; d += 16)
            {
                (Vector512<double> a, Vector512<double> b) = Vector512.Widen(Vector512.Load(row + d));
                own = Vector512.FusedMultiplyAdd(a, a, Vector512.FusedMultiplyAdd(b, b, own));
                a -= Vector512.Load(centre + d);
                b -= Vector512.Load(centre + d + 8);
                far = Vector512.FusedMultiplyAdd(a, a, Vector512.FusedMultiplyAdd(b, b, far));
            }
            double n = Math.Sqrt(Vector512.Sum(own)), slack = 2 * rounding * n;
            norm = Math.Max(norm, (n * (1 + 1e-9)) + slack);
            radius = Math.Max(radius, (Math.Sqrt(Vector512.Sum(far)) * (1 + 1e-9)) + (2 * slack) + 1e-40);
            least = Math.Min(least, Math.Max(0, (n * (1 - 1e-9)) - slack));
        }
        lock (starts)
        {
            Radius[cell] = Math.Max(Radius[cell], MathF.BitIncrement((float)radius));
            Norm[cell] = Math.Max(Norm[cell], MathF.BitIncrement((float)norm));
            Offset[cell] = similarity == Similarity.L2 ? Math.Min(Offset[cell], (float)(least * least / 2 * (1 - 1e-6))) : 0;
            Square[cell] = (float)square;
            Half[cell] = (float)(square / 2);
        }
    }

    public void Dispose()
    {
        Centres.Dispose();
        figures.Dispose();
    }
}
