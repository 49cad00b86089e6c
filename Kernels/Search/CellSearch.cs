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

    /// <summary>
    /// Of a sum's bound, the part taken off an estimate for each standard deviation that a guess stays on the safe side: its error is a sum of many of both
    /// signs, hardly ever so large. Where it is, the query is scanned again.
    /// </summary>
    const double SlackPerDeviation = 0.075;

    readonly CodedRows rows;
    readonly CodedCells cells;
    readonly CodeScan scan;
    readonly HostTeam team;
    readonly CertifiedWorker[] workers;
    readonly CertifiedRun run;
    readonly Scratch<float> bounds = new(), estimates = new();
    readonly Scratch<uint> leads = new(), marked = new();
    readonly Scratch<float>[] products;
    readonly Scratch<int> open = new(), places = new(), found = new();
    readonly Action<int> countOpen, bound, lead, guess, scanCells;
    readonly int largestCell;
    readonly float slack;
    int next, rank, words, stride;
    double wanted;
    long left;

    public CellSearch(CodedRows rows, CodeScan scan, HostTeam team, CertifiedWorker[] workers, CertifiedRun run, double boldness)
    {
        this.rows = rows;
        this.scan = scan;
        this.team = team;
        this.workers = workers;
        this.run = run;
        slack = (float)(SlackPerDeviation * boldness);
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
        scanCells = ScanCells;
    }

    /// <summary>Searches in which cells were left out.</summary>
    public long Scans { get; private set; }

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
        words = (slots + 31) / 32;
        bounds.Ensure((nint)slots * cells.Centres.Places);
        places.Ensure((nint)slots * cells.Centres.Places);
        estimates.Ensure((nint)slots * stride);
        foreach (Scratch<uint> marks in (ReadOnlySpan<Scratch<uint>>)[leads, marked]) System.Runtime.InteropServices.NativeMemory.Clear(marks.Ensure((nint)cells.Count * words), (nuint)cells.Count * (nuint)words * sizeof(uint));
        found.Ensure(slots);
        RunAll(countOpen);
        RunAll(bound);
        RunAll(lead);
        left = 0;
        RunAll(guess);
        if (left > MostLeft * rows.Count * slots) return false;
        Scans++;
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
        float* to = bounds.Pointer + ((nint)slot * cells.Centres.Places);
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
            most.Store(to + c);
        }
    }

    /// <summary>The cells whose centres are nearest, until they have rows enough.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void ChooseLeads(float* values, int slot)
    {
        float* half = run.Similarity == Similarity.L2 ? cells.Half : cells.None;
        int* to = places.Pointer + ((nint)slot * cells.Centres.Places);
        int have = 0;
        if (run.Allowed is not null)
        {
            for (int c = 0; c < cells.Count; c++)
                if (open.Pointer[c] == 0) values[c] = float.NegativeInfinity;
        }
        while (have < wanted)
        {
            int nearest = RowPanel.Nearest(values, half, cells.Centres.Places, out float best);
            if (float.IsNegativeInfinity(best)) break;
            to[nearest] = have;
            Mark(leads.Pointer, nearest, slot);
            values[nearest] = float.NegativeInfinity;
            have += open.Pointer[nearest];
        }
        found.Pointer[slot] = have;
    }

    void Mark(uint* marks, int cell, int slot) => Interlocked.Or(ref marks[((nint)cell * words) + (slot / 32)], 1u << slot % 32);

    void Lead(int worker)
    {
        for (int c = Next(); c < cells.Count; c = Next())
            workers[worker].LeadCell(scan, run, cells, c, leads.Pointer + ((nint)c * words), words, places.Pointer, slack, estimates.Pointer, stride);
    }

    void Guess(int worker)
    {
        CodedQueries prepared = run.Prepared;
        long reached = 0;
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
            reached += Reach(slot, prepared.Threshold(slot, run.Limit(slot)));
        }
        Interlocked.Add(ref left, reached);
    }

    /// <summary>Marks the cells whose bound reaches what a slot seeks; returns their rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    long Reach(int slot, float least)
    {
        float* own = bounds.Pointer + ((nint)slot * cells.Centres.Places);
        Vector512<float> lanes = Vector512.Create(least);
        long inCells = 0;
        for (int c = 0; c < cells.Count; c += 16)
        {
            // A bound that is not a number counts as reached.
            uint reached = ~(uint)Vector512.LessThan(Vector512.Load(own + c), lanes).ExtractMostSignificantBits() & 0xffff;
            for (; reached != 0; reached &= reached - 1)
            {
                int cell = c + System.Numerics.BitOperations.TrailingZeroCount(reached);
                if (cell >= cells.Count) break;
                if (open.Pointer[cell] == 0) continue;
                Mark(marked.Pointer, cell, slot);
                inCells += cells.End(cell) - cells.First(cell);
            }
        }
        return inCells;
    }

    void ScanCells(int worker)
    {
        for (int c = Next(); c < cells.Count; c = Next())
            workers[worker].ScanCell(scan, run, cells, c, marked.Pointer + ((nint)c * words), words);
    }

    public void Dispose()
    {
        foreach (Scratch<float> one in (ReadOnlySpan<Scratch<float>>)[bounds, estimates, .. products]) one.Dispose();
        foreach (Scratch<int> one in (ReadOnlySpan<Scratch<int>>)[open, places, found]) one.Dispose();
        foreach (Scratch<uint> one in (ReadOnlySpan<Scratch<uint>>)[leads, marked]) one.Dispose();
    }
}
