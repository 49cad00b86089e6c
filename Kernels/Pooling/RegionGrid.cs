namespace Osprey.Kernels.Pooling;

/// <summary>
/// The regions of R-MAC (Tolias et al. 2016) as cnnimageretrieval-pytorch places them: the whole map, and on levels l = 1, 2, 3 squares of side
/// ⌊2·min(h,w)/(l+1)⌋, l along the shorter side and l + d along the longer, at ⌊i·(length − side)/(number − 1)⌋. d is the number of 1 to 6 whose
/// squares of the first level overlap by nearest 0.4; 0 for a square map. Regions that fall together are kept once, with their number as weight.
/// The places are floors of exact quotients; where PyTorch's float32 rounds an integral one down, it differs by one position.
/// </summary>
internal sealed class RegionGrid
{
    const int Levels = 3;
    const float Overlap = 0.4f;

    public RegionGrid(int height, int width)
    {
        (Height, Width) = (height, width);
        var weights = new Dictionary<(int Top, int Left, int Height, int Width), int> { [(0, 0, height, width)] = 1 };
        int more = More(Math.Min(height, width), Math.Max(height, width)), moreDown = height > width ? more : 0, moreAcross = width > height ? more : 0;
        for (int level = 1; level <= Levels; level++)
        {
            int side = 2 * Math.Min(height, width) / (level + 1);
            if (side == 0) continue;
            for (int i = 0; i < level + moreDown; i++)
            {
                for (int j = 0; j < level + moreAcross; j++)
                {
                    var region = (Place(i, level + moreDown, height - side), Place(j, level + moreAcross, width - side), side, side);
                    weights[region] = weights.GetValueOrDefault(region) + 1;
                }
            }
        }
        Regions = [.. weights.Select(r => new MapRegion(r.Key.Top, r.Key.Left, r.Key.Height, r.Key.Width, r.Value))];
        RowCuts = [.. Regions.SelectMany(r => (int[])[r.Top, r.Top + r.Height]).Distinct().Order()];
        ColumnCuts = [.. Regions.SelectMany(r => (int[])[r.Left, r.Left + r.Width]).Distinct().Order()];
        CellRows = [.. Regions.Select(r => (Array.IndexOf(RowCuts, r.Top), Array.IndexOf(RowCuts, r.Top + r.Height)))];
        CellColumns = [.. Regions.Select(r => (Array.IndexOf(ColumnCuts, r.Left), Array.IndexOf(ColumnCuts, r.Left + r.Width)))];
    }

    public int Height { get; }

    public int Width { get; }

    /// <summary>The whole map first.</summary>
    public MapRegion[] Regions { get; }

    /// <summary>Where some region begins or ends, ascending, from 0 to h: between them lie the rows of cells, of which every region is made.</summary>
    public int[] RowCuts { get; }

    /// <summary>As <see cref="RowCuts"/>, from 0 to w.</summary>
    public int[] ColumnCuts { get; }

    public int Cells => (RowCuts.Length - 1) * (ColumnCuts.Length - 1);

    /// <summary>Of each region the rows of cells, from the first to behind the last.</summary>
    public (int From, int To)[] CellRows { get; }

    public (int From, int To)[] CellColumns { get; }

    static int Place(int i, int number, int free) => number == 1 ? 0 : i * free / (number - 1);

    /// <summary>How many regions more along the longer side.</summary>
    static int More(int shorter, int longer)
    {
        if (shorter == longer) return 0;
        int best = 0;
        float nearest = float.PositiveInfinity;
        for (int regions = 2; regions <= 7; regions++)
        {
            // In float32, as the original.
            float step = (longer - shorter) / (float)(regions - 1), square = shorter * shorter;
            float off = MathF.Abs(((square - (shorter * step)) / square) - Overlap);
            if (off < nearest) (nearest, best) = (off, regions - 1);
        }
        return best;
    }
}
