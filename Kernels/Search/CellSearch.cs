using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Search;

/// <summary>
/// A certified search over <see cref="CodedCells"/>: each query's nearest cells give it a guess at the score of its k-th best row, and only cells whose
/// bound reaches the guess are scanned. Where that would be most of the rows, only the guesses are made, and all rows are scanned as without cells.
/// </summary>
/// <remarks>
/// A cell's bound is that of a row (<see cref="CodedQueries"/>) with the centre's codes and the cell's radius and norm. For L2 also
/// ‖p − y‖ ≥ ‖p − c/s‖ − radius; the lower of the two holds. What is added to it covers the float32 roundings on the way.
/// </remarks>
sealed unsafe class CellSearch : IDisposable
{
    /// <summary>Cells are scanned one by one if the bounds leave no more than this share of all pairs of rows and queries.</summary>
    const double MostLeft = 0.6;

    /// <summary>Rows of the nearest cells, for each rank, and some more: the k-th best of k rows would guess too low.</summary>
    const double LeadRows = 1.5;
    const int LeastLeadRows = 32;

    readonly CodedRows rows;
    readonly CodedCells cells;
    readonly CodeScan scan;
    readonly HostTeam team;
    readonly CertifiedWorker[] workers;
    readonly CertifiedRun run;
    readonly Scratch<float> bounds = new(), places = new(), estimates = new(), least = new(), zeros = new();
    readonly Scratch<float>[] products;
    readonly Scratch<int> open = new(), found = new();
    readonly Action<int> countOpen, bound, lead, guess, countLeft, scanCells;
    readonly int largestCell;
    int next, rank, slotStride, stride;
    double wanted;
    long left;

    public CellSearch(CodedRows rows, CodeScan scan, HostTeam team, CertifiedWorker[] workers, CertifiedRun run)
    {
        this.rows = rows;
        this.scan = scan;
        this.team = team;
        this.workers = workers;
        this.run = run;
        cells = rows.Cells!;
        open.Ensure(cells.Count);
        products = new Scratch<float>[workers.Length];
        for (int t = 0; t < workers.Length; t++)
        {
            (products[t] = new Scratch<float>()).Ensure((nint)scan.PanelQueries * cells.Centres.Places);
            workers[t].ReadyForCells(scan.PanelQueries, rows.Groups);
        }
        for (int c = 0; c < cells.Count; c++) largestCell = Math.Max(largestCell, cells.End(c) - cells.First(c));
        countOpen = CountOpen;
        bound = Bound;
        lead = Lead;
        guess = Guess;
        countLeft = CountLeft;
        scanCells = ScanCells;
    }

    /// <summary>Rows whose estimates one query may have, for the k best.</summary>
    public int Plan(int k)
    {
        rank = k + (run.Excluded is null ? 0 : 1);
        wanted = (LeadRows * rank) + LeastLeadRows;
        return stride = (int)wanted + largestCell + 32;
    }

    /// <summary>Guesses a limit for each slot, and scans the cells. False if all rows are still to be scanned, for cells would leave out too few.</summary>
    public bool Search()
    {
        int slots = run.Prepared.Count;
        slotStride = (slots + 15) / 16 * 16;
        bounds.Ensure((nint)cells.Count * slotStride);
        places.Ensure((nint)cells.Count * slotStride);
        estimates.Ensure((nint)slots * stride);
        new Span<float>(zeros.Ensure(slotStride), slotStride).Clear();
        new Span<float>(least.Ensure(slotStride), slotStride).Fill(float.PositiveInfinity);
        found.Ensure(slots);
        RunAll(countOpen);
        RunAll(bound);
        RunAll(lead);
        RunAll(guess);
        left = 0;
        RunAll(countLeft);
        if (left > MostLeft * rows.Count * slots) return false;
        RunAll(scanCells);
        return true;
    }

    void RunAll(Action<int> work)
    {
        next = -1;
        team.Run(work, workers.Length);
    }

    int Next() => Interlocked.Increment(ref next);

    void CountOpen(int worker)
    {
        for (int c = Next(); c < cells.Count; c = Next())
            open.Pointer[c] = run.Allowed is null ? cells.End(c) - cells.First(c) : workers[worker].CountAllowed(run.Allowed, cells.First(c), cells.End(c));
    }

    /// <summary>Bounds of each cell, and which cells lead a query.</summary>
    void Bound(int worker)
    {
        CodedQueries prepared = run.Prepared;
        CentreCodes centres = cells.Centres;
        for (int panel = Next(); panel < prepared.Panels; panel = Next())
        {
            int first = prepared.FirstSlot(panel), inPanel = prepared.SlotsOf(panel);
            float* values = products[worker].Pointer;
            centres.Multiply(scan, prepared.Panel(panel), inPanel, prepared.Bias(panel), prepared.Scale(panel), centres.Pairs, values, centres.Places);
            for (int q = 0; q < inPanel; q++)
            {
                float* own = values + ((nint)q * centres.Places);
                BoundCells(own, first + q, prepared.ResidualShare(panel)[q], prepared.NormShare(panel)[q]);
                ChooseLeads(own, first + q);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void BoundCells(float* values, int slot, float residualShare, float normShare)
    {
        bool distance = rows.Similarity == Similarity.L2;
        float square = distance ? (float)run.Prepared.Square(slot) : 0;
        Vector512<float> q1 = Vector512.Create(residualShare), q2 = Vector512.Create(normShare), spare = Vector512.Create(CodedQueries.Spare), tiny = Vector512.Create(1e-35f);
        float* to = bounds.Pointer + slot, lanes = stackalloc float[16];
        for (int c = 0; c < cells.Count; c += 16)
        {
            Vector512<float> product = Vector512.Load(values + c), offset = Vector512.Load(cells.Offset + c), radius = Vector512.Load(cells.Radius + c);
            Vector512<float> rest = (q1 * radius) + (q2 * Vector512.Load(cells.Norm + c));
            Vector512<float> most = product + rest - offset;
            most += (spare * (Vector512.Abs(product) + rest + offset)) + tiny;
            if (distance)
            {
                // ‖p‖² + ‖c/s‖² − 2·p·(c/s), of which four millionths of the terms are far more than what rounding can do; and p·y − ‖y‖²/2 from it.
                Vector512<float> p = Vector512.Create(square), own = Vector512.Load(cells.Square + c), terms = p + own;
                Vector512<float> centreShare = q2 * Vector512.Sqrt(own), far = terms - (2 * (product + centreShare)) - (4e-6f * (terms + centreShare)) - tiny;
                Vector512<float> gap = Vector512.Max(Vector512<float>.Zero, Vector512.Sqrt(Vector512.Max(Vector512<float>.Zero, far)) * (1 - 1e-6f) - radius);
                Vector512<float> nearest = (p - (gap * gap * (1 - 1e-6f))) * 0.5f + (p * 1e-6f) + tiny;
                most = Vector512.Min(most, nearest);
            }
            most.Store(lanes);
            // No row is allowed there: not even a query without a guess looks into it.
            for (int i = 0; i < Math.Min(16, cells.Count - c); i++) to[(nint)(c + i) * slotStride] = open.Pointer[c + i] == 0 ? float.NegativeInfinity : lanes[i];
        }
    }

    /// <summary>The cells whose centres are nearest, until they have rows enough.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void ChooseLeads(float* values, int slot)
    {
        float* to = places.Pointer + slot;
        for (int c = 0; c < cells.Count; c++)
        {
            to[(nint)c * slotStride] = -1;
            // Ranked by p·c/s − ‖c/s‖²/2 for L2; the padding and cells without allowed rows last.
            values[c] = open.Pointer[c] == 0 ? float.NegativeInfinity : rows.Similarity == Similarity.L2 ? values[c] - (cells.Square[c] / 2) : values[c];
        }
        for (int c = cells.Count; c < cells.Centres.Places; c++) values[c] = float.NegativeInfinity;
        int have = 0;
        while (have < wanted)
        {
            int nearest = RowPanel.Nearest(values, cells.None, cells.Centres.Places, out float best);
            if (float.IsNegativeInfinity(best)) break;
            to[(nint)nearest * slotStride] = have;
            values[nearest] = float.NegativeInfinity;
            have += open.Pointer[nearest];
        }
        found.Pointer[slot] = have;
    }

    void Lead(int worker)
    {
        for (int c = Next(); c < cells.Count; c = Next())
            workers[worker].LeadCell(scan, run, cells.First(c), cells.End(c), places.Pointer + ((nint)c * slotStride), zeros.Pointer, estimates.Pointer, stride);
    }

    void Guess(int worker)
    {
        CodedQueries prepared = run.Prepared;
        for (int slot = Next(); slot < prepared.Count; slot = Next())
        {
            int have = found.Pointer[slot];
            if (have >= rank)
            {
                Span<ulong> keys = workers[worker].Keys.AsSpan(0, have);
                float* values = estimates.Pointer + ((nint)slot * stride);
                for (int i = 0; i < have; i++) keys[i] = CandidateKey.Encode(Similarity.InnerProduct, values[i], 0);
                float value = CandidateKey.Score(Similarity.InnerProduct, CandidateKey.AtRank(keys, rank));
                if (float.IsFinite(value)) run.Guess(slot, prepared.Estimate(slot, value));
            }
            least.Pointer[slot] = prepared.Threshold(slot, run.Limit(slot));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void CountLeft(int worker)
    {
        long all = 0;
        for (int c = Next(); c < cells.Count; c = Next())
        {
            float* own = bounds.Pointer + ((nint)c * slotStride);
            int reached = 0;
            for (int slot = 0; slot < run.Prepared.Count; slot++)
                if (!(own[slot] < least.Pointer[slot])) reached++;
            all += (long)reached * (cells.End(c) - cells.First(c));
        }
        Interlocked.Add(ref left, all);
    }

    void ScanCells(int worker)
    {
        for (int c = Next(); c < cells.Count; c = Next())
            workers[worker].ScanCell(scan, run, cells.First(c), cells.End(c), bounds.Pointer + ((nint)c * slotStride), least.Pointer);
    }

    public void Dispose()
    {
        foreach (Scratch<float> one in (ReadOnlySpan<Scratch<float>>)[bounds, places, estimates, least, zeros]) one.Dispose();
        foreach (Scratch<float> one in products) one.Dispose();
        open.Dispose();
        found.Dispose();
    }
}
