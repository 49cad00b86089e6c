using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Search;

/// <summary>Finds the cells of rows that lie in tight clusters, or finds that they do not, from a sample; then orders the positions by cell.</summary>
/// <remarks>
/// Any division into cells is right, for bounds are made of the rows that are in one. A first glance at few rows lets rows without clusters go on after
/// about a fiftieth of the build's time: their nearest neighbours are hardly nearer than other rows. Leaders, rows of the sample further than a
/// radius from every leader before them, then find clusters of any size; their means are the centres. Rows far from every centre form cells of their own,
/// which no bound leaves out.
/// </remarks>
sealed unsafe class CellBuild : IDisposable
{
    /// <summary>Fewer rows, or dimensions, are not worth cells.</summary>
    public const int LeastRows = 1024, LeastDimension = 32;

    /// <summary>Rows whose nearest neighbours are looked for at the first glance, and rows among which.</summary>
    const int Probes = 128, GlanceRows = 2048;

    /// <summary>Of a squared distance between any two rows, what the one to the nearest neighbour must be below.</summary>
    const double NearShare = 0.4;

    /// <summary>Rows of the sample that the clusters are found in.</summary>
    const int SampleRows = 8192;

    const int MostLeaders = 2048, MostCells = 1024;

    /// <summary>Rows for each cell, at least: its centre is memory and its bound is time.</summary>
    const int RowsPerCell = 64;

    /// <summary>Of the rows of a sample, what bounds must leave out when each probe asks for its nearest neighbour.</summary>
    const double WorthPruning = 0.6;

    readonly CodedBuild build;
    readonly CodedRows rows;
    readonly HostTeam team;
    readonly int threads, stride, sample, glance;
    readonly Scratch<float> values = new(), half = new(), one = new();
    readonly RowPanel[] panels;
    int[] cellOf = [], members = [];
    float[] distances = [], reach = [];
    CentreCodes centres;
    int count, next;
    float limit;

    CellBuild(CodedBuild build, CodedRows rows, HostTeam team, int threads)
    {
        this.build = build;
        this.rows = rows;
        this.team = team;
        this.threads = threads;
        stride = build.Stride;
        glance = (int)Math.Min(GlanceRows, rows.Count);
        sample = (int)Math.Min(SampleRows, rows.Count);
        values.Ensure((nint)sample * stride);
        half.Ensure(Math.Max(glance, MostLeaders) + 32);
        panels = new RowPanel[threads];
        for (int t = 0; t < threads; t++) panels[t] = new RowPanel(CodeScan.Best, rows.Dimension);
        one.Ensure((nint)threads * stride);
        centres = new CentreCodes(rows.Dimension, glance);
    }

    /// <summary>Null where cells would help nobody; then the order is as it was.</summary>
    public static CodedCells? TryCreate(CodedBuild build, CodedRows rows, HostTeam team, int threads)
    {
        if (rows.Count is < LeastRows or > 1 << 30 || rows.Dimension < LeastDimension) return null;
        using var cells = new CellBuild(build, rows, team, threads);
        if (!cells.Glance() || !cells.FindLeaders()) return null;
        cells.Refine();
        return cells.Measure() ? cells.Order() : null;
    }

    float* Row(int i) => values.Pointer + ((nint)i * stride);

    void Share(int chunks, Action<int, int> work)
    {
        next = -1;
        team.Run(
            worker =>
            {
                for (int chunk = Interlocked.Increment(ref next); chunk < chunks; chunk = Interlocked.Increment(ref next)) work(chunk, worker);
            },
            threads);
    }

    void Read(int first, int end) => Share((end - first + 63) / 64, (chunk, _) =>
    {
        for (int i = first + (64 * chunk); i < Math.Min(end, first + (64 * (chunk + 1))); i++) build.Read(rows.Ids[i], Row(i));
    });

    /// <summary>Whether a probe's nearest neighbour is much nearer than rows are to each other; if so, <see cref="limit"/> lies between the two.</summary>
    bool Glance()
    {
        Read(0, glance);
        new Span<float>(half.Pointer, centres.Places).Fill(float.PositiveInfinity);
        Share((glance + 63) / 64, (chunk, _) =>
        {
            for (int i = 64 * chunk; i < Math.Min(glance, 64 * (chunk + 1)); i++)
            {
                centres.Put(i, Row(i));
                half.Pointer[i] = build.SquaredNorm(Row(i)) / 2;
            }
        });
        double mean = 0;
        for (int i = 0; i < glance; i++) mean += 2 * half.Pointer[i] / glance;
        var near = new double[Probes];
        int per = panels[0].Most;
        Share((Probes + per - 1) / per, (chunk, worker) =>
        {
            RowPanel panel = panels[worker];
            int first = chunk * per, inPanel = Math.Min(per, Probes - first);
            for (int q = 0; q < inPanel; q++) panel.Set(q, inPanel, Row(first + q));
            float* products = panel.Multiply(inPanel, centres, centres.Pairs);
            for (int q = 0; q < inPanel; q++)
            {
                float* own = products + ((nint)q * centres.Places);
                own[first + q] = float.NegativeInfinity;
                RowPanel.Nearest(own, half.Pointer, glance, out float best);
                near[first + q] = Math.Max(0, panel.Squares[q] - (2 * (double)best)) / (panel.Squares[q] + mean);
            }
        });
        Array.Sort(near);
        double share = near[Probes / 2];
        if (!(share < NearShare)) return false;
        // Between the distance to a neighbour and that to any row, on a scale of ratios; equal rows have none.
        limit = (float)(Math.Sqrt(Math.Max(share, 1e-3)) * 2 * mean);
        return true;
    }

    /// <summary>Leaders, a panel of the sample at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    bool FindLeaders()
    {
        // Not before: most rows are not clustered, and are done with after the first glance.
        cellOf = new int[sample];
        distances = new float[sample];
        members = new int[MostLeaders];
        reach = new float[MostLeaders];
        Read(glance, sample);
        centres.Dispose();
        centres = new CentreCodes(rows.Dimension, MostLeaders);
        new Span<float>(half.Pointer, MostLeaders).Fill(float.PositiveInfinity);
        RowPanel panel = panels[0];
        var leaders = new int[MostLeaders];
        for (int first = 0; first < sample; first += panel.Most)
        {
            int inPanel = Math.Min(panel.Most, sample - first), before = count, pairs = (before + 31) / 32;
            for (int q = 0; q < inPanel; q++) panel.Set(q, inPanel, Row(first + q));
            float* products = before == 0 ? null : panel.Multiply(inPanel, centres, pairs);
            for (int q = 0; q < inPanel; q++)
            {
                float best = float.NegativeInfinity;
                if (before > 0) RowPanel.Nearest(products + ((nint)q * pairs * 32), half.Pointer, pairs * 32, out best);
                // The first test is true of what is not a number too.
                if (!(panel.Squares[q] - (2 * best) > limit)) continue;
                bool far = true;
                for (int other = before; far && other < count; other++) far = Distance(Row(first + q), Row(leaders[other])) > limit;
                if (!far) continue;
                if (count == MostLeaders) return false;
                leaders[count] = first + q;
                centres.Put(count, Row(first + q));
                half.Pointer[count++] = panel.Squares[q] / 2;
            }
        }
        return count > 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    float Distance(float* a, float* b)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int d = 0; d < stride; d += 16)
        {
            Vector512<float> far = Vector512.Load(a + d) - Vector512.Load(b + d);
            sum = Vector512.FusedMultiplyAdd(far, far, sum);
        }
        return Vector512.Sum(sum);
    }

    /// <summary>The nearest centre of each row of the sample, and the squared distance.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Assign()
    {
        int per = panels[0].Most, pairs = (count + 31) / 32;
        Share((sample + per - 1) / per, (chunk, worker) =>
        {
            RowPanel panel = panels[worker];
            int first = chunk * per, inPanel = Math.Min(per, sample - first);
            for (int q = 0; q < inPanel; q++) panel.Set(q, inPanel, Row(first + q));
            float* products = panel.Multiply(inPanel, centres, pairs);
            for (int q = 0; q < inPanel; q++)
            {
                cellOf[first + q] = RowPanel.Nearest(products + ((nint)q * pairs * 32), half.Pointer, pairs * 32, out float best);
                distances[first + q] = Math.Max(0, panel.Squares[q] - (2 * best));
            }
        });
    }

    /// <summary>Means of the leaders' rows, of which a leader alone has none: the centres.</summary>
    void Refine()
    {
        Assign();
        Array.Clear(members);
        var sums = new float[count * stride];
        fixed (float* at = sums) Add(at);
        int[] order = [.. Enumerable.Range(0, count).Where(c => members[c] > 1).OrderByDescending(c => members[c]).Take((int)Math.Min(MostCells, rows.Count / RowsPerCell))];
        centres.Dispose();
        centres = new CentreCodes(rows.Dimension, Math.Max(1, order.Length));
        new Span<float>(half.Pointer, centres.Places).Fill(float.PositiveInfinity);
        count = order.Length;
        for (int c = 0; c < count; c++)
        {
            float* mean = one.Pointer;
            for (int d = 0; d < stride; d++) mean[d] = sums[(order[c] * stride) + d] / members[order[c]];
            centres.Put(c, mean);
            half.Pointer[c] = build.SquaredNorm(mean) / 2;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Add(float* sums)
    {
        for (int i = 0; i < sample; i++)
        {
            if (!(distances[i] <= limit)) continue;
            members[cellOf[i]]++;
            float* sum = sums + ((nint)cellOf[i] * stride);
            for (int d = 0; d < stride; d += 16) (Vector512.Load(sum + d) + Vector512.Load(Row(i) + d)).Store(sum + d);
        }
    }

    /// <summary>How far a cell's rows may be from its centre, and whether such cells are worth it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    bool Measure()
    {
        if (count < 2) return false;
        Assign();
        Array.Clear(members);
        Array.Clear(reach);
        for (int i = 0; i < sample; i++)
        {
            if (!(distances[i] <= limit)) continue;
            members[cellOf[i]]++;
            reach[cellOf[i]] += distances[i];
        }
        // Few far rows would make a cell's bound loose for all: beyond twice the mean square they are left out of it. A mean of few is too near to them.
        for (int c = 0; c < count; c++) reach[c] = members[c] < 2 ? 0 : Math.Min(limit, (2 * reach[c] / (members[c] - 1)) + (1e-6f * half.Pointer[c]));
        return Try() >= WorthPruning;
    }

    /// <summary>The share of the sample that bounds leave out for a probe that asks for its nearest neighbour.</summary>
    double Try()
    {
        var radius = new float[count];
        Array.Clear(members);
        for (int i = 0; i < sample; i++)
        {
            int c = cellOf[i];
            if (!(distances[i] <= reach[c])) continue;
            members[c]++;
            radius[c] = Math.Max(radius[c], distances[i]);
        }
        for (int c = 0; c < count; c++) radius[c] = MathF.Sqrt(radius[c]);
        bool distance = rows.Similarity == Similarity.L2;
        using var places = new CentreCodes(rows.Dimension, glance);
        using var squares = new Scratch<float>();
        squares.Ensure(places.Places);
        new Span<float>(squares.Pointer, places.Places).Fill(float.PositiveInfinity);
        Share((glance + 63) / 64, (chunk, _) =>
        {
            for (int i = 64 * chunk; i < Math.Min(glance, 64 * (chunk + 1)); i++)
            {
                places.Put(i, Row(i));
                squares.Pointer[i] = distance ? build.SquaredNorm(Row(i)) / 2 : 0;
            }
        });
        // An inner product is with the whole row.
        var whole = new float[stride];
        if (!distance) rows.Centre.CopyTo(whole, 0);
        fixed (float* at = whole) rows.Rotation?.Apply(at);
        long left = 0;
        int per = panels[0].Most;
        Share((Probes + per - 1) / per, (chunk, worker) =>
        {
            RowPanel panel = panels[worker];
            float* query = one.Pointer + ((nint)worker * stride);
            int first = chunk * per, inPanel = Math.Min(per, Probes - first);
            for (int q = 0; q < inPanel; q++)
            {
                for (int d = 0; d < stride; d++) query[d] = Row(first + q)[d] + whole[d];
                panel.Set(q, inPanel, query);
            }
            var best = new float[inPanel];
            float* products = panel.Multiply(inPanel, places, places.Pairs);
            for (int q = 0; q < inPanel; q++)
            {
                float* own = products + ((nint)q * places.Places);
                own[first + q] = float.NegativeInfinity;
                RowPanel.Nearest(own, squares.Pointer, glance, out best[q]);
            }
            products = panel.Multiply(inPanel, centres, centres.Pairs);
            for (int q = 0; q < inPanel; q++)
            {
                float square = panel.Squares[q];
                for (int c = 0; c < count; c++)
                {
                    float product = products[((nint)q * centres.Places) + c], most = product + (MathF.Sqrt(square) * radius[c]);
                    if (distance)
                    {
                        float gap = Math.Max(0, MathF.Sqrt(Math.Max(0, square + (2 * half.Pointer[c]) - (2 * product))) - radius[c]);
                        most = (square - (gap * gap)) / 2;
                    }
                    if (most < best[q]) Interlocked.Add(ref left, members[c]);
                }
            }
        });
        return (double)left / sample / Probes;
    }

    /// <summary>Every row to its cell, and the cells in parts that one tile's memory holds.</summary>
    CodedCells Order()
    {
        int per = panels[0].Most, pairs = centres.Pairs, number = (int)rows.Count;
        int mostRows = CodedCells.MostRows(rows);
        var all = new int[number];
        Share((number + per - 1) / per, (chunk, worker) =>
        {
            RowPanel panel = panels[worker];
            float* y = one.Pointer + ((nint)worker * stride);
            int first = chunk * per, inPanel = Math.Min(per, number - first);
            for (int q = 0; q < inPanel; q++)
            {
                build.Prefetch(first + q + 2);
                build.Read(rows.Ids[first + q], y);
                panel.Set(q, inPanel, y);
            }
            float* products = panel.Multiply(inPanel, centres, pairs);
            for (int q = 0; q < inPanel; q++)
            {
                int nearest = RowPanel.Nearest(products + ((nint)q * pairs * 32), half.Pointer, pairs * 32, out float best);
                all[first + q] = panel.Squares[q] - (2 * best) <= reach[nearest] ? nearest : count;
            }
        });
        var begins = new int[count + 2];
        foreach (int cell in all) begins[cell + 1]++;
        var starts = new List<int>();
        var centreOf = new List<int>();
        for (int c = 0; c <= count; c++)
        {
            int first = begins[c], inCell = begins[c + 1], parts = (inCell + mostRows - 1) / mostRows;
            for (int part = 0; part < parts; part++)
            {
                starts.Add(first + (int)((long)inCell * part / parts));
                centreOf.Add(c);
            }
            begins[c + 1] += first;
        }
        starts.Add(number);
        var ids = new uint[number];
        for (int i = 0; i < number; i++) ids[begins[all[i]]++] = rows.Ids[i];
        ids.CopyTo(new Span<uint>(rows.Ids, number));
        var cells = new CodedCells(rows.Dimension, [.. starts]);
        for (int i = 0; i < centreOf.Count; i++)
            if (centreOf[i] < count) cells.Centres.Copy(i, centres, centreOf[i]);
        return cells;
    }

    public void Dispose()
    {
        values.Dispose();
        half.Dispose();
        one.Dispose();
        centres.Dispose();
        foreach (RowPanel panel in panels) panel.Dispose();
    }
}
