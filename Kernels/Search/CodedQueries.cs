using System.Runtime.CompilerServices;

namespace Osprey.Kernels.Search;

/// <summary>
/// A batch of queries made ready for one scan: their codes in panels, the constants of their bounds, and their fp32 values in the order in which
/// pairs are scored. A slot is a query's place here; which query it is says <see cref="QueryOf"/>.
/// </summary>
/// <remarks>
/// With p the query as the rows are turned, d its codes and p̂ = d/b: p·y = p̂·(c/s) + p̂·(y − c/s) + (p − p̂)·y, so for every row of a block
/// p·y ≤ sum/(s·b) + ‖p̂‖·residual + ‖p − p̂‖·norm. A score's own rounding is a share of ‖q‖·‖x‖ (inner product) or of itself (L2), and ‖x‖ is at
/// most norm + ‖centre‖. So a row can reach the score τ only if sum ≥ (t + offset − q₁·residual − q₂·norm)·s·b, where t follows from τ
/// (<see cref="Threshold"/>). All of it is rounded so that more sums pass.
/// </remarks>
sealed unsafe class CodedQueries(int dimension, CodedRows? codedRows, CodeScan scan) : IDisposable
{
    /// <summary>What a float32 threshold may lose to the five roundings on its way, relative to its terms; more than three times what they can.</summary>
    public const float Spare = 1f / (1 << 20);

    /// <summary>Room per panel in arrays of one value per query: one vector.</summary>
    public const int Lane = 16;

    const float LargestScale = 1e30f;

    /// <summary>Longer queries than this, in float32's range, are left to the plain scan.</summary>
    public const double LargestNorm = 1e15;

    readonly Scratch<sbyte> panels = new();
    readonly Scratch<int> biases = new();
    readonly Scratch<float> scales = new(), residualShares = new(), normShares = new(), chains = new();
    readonly Scratch<double> constants = new(), magnitudes = new();
    readonly Scratch<int> queryOf = new();
    int panelStride, perPanel, larger;
    bool coded;

    CodedRows Rows => codedRows!;

    /// <summary>Slots, one per query.</summary>
    public int Count { get; private set; }

    public int Panels { get; private set; }

    /// <summary>Floats of one query in <see cref="Chains"/>.</summary>
    public int ChainStride { get; } = ScoreChain.Most * ScoreChain.Length(dimension);

    /// <summary>First slot of a panel; the panels share the slots as evenly as can be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FirstSlot(int panel) => (panel * perPanel) + Math.Min(panel, larger);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int SlotsOf(int panel) => perPanel + (panel < larger ? 1 : 0);

    public sbyte* Panel(int panel) => panels.Pointer + (nint)panel * panelStride;

    public int* Bias(int panel) => biases.Pointer + (panel * Lane);

    public float* Scale(int panel) => scales.Pointer + (panel * Lane);

    public float* ResidualShare(int panel) => residualShares.Pointer + (panel * Lane);

    public float* NormShare(int panel) => normShares.Pointer + (panel * Lane);

    /// <summary>[slot][dimension of a chain][16 chains]; zeros past the last dimension.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Chains(int slot) => chains.Pointer + (nint)slot * ChainStride;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int QueryOf(int slot) => queryOf.Pointer[slot];

    /// <summary>Makes room for queries. Then <see cref="Prepare"/> each.</summary>
    /// <param name="order">Queries by slot.</param>
    /// <param name="withCodes">False where only the fp32 values will be used.</param>
    public void Begin(ReadOnlySpan<int> order, bool withCodes)
    {
        int count = order.Length;
        Count = count;
        coded = withCodes;
        Panels = (count + scan.PanelQueries - 1) / scan.PanelQueries;
        perPanel = count / Panels;
        larger = count % Panels;
        chains.Ensure((nint)count * ChainStride);
        order.CopyTo(new Span<int>(queryOf.Ensure(count), count));
        if (!coded) return;
        panelStride = (scan.PanelQueries * Rows.Groups * CodeScan.GroupValues + 63) / 64 * 64;
        panels.Ensure((nint)Panels * panelStride);
        foreach (Scratch<float> one in (ReadOnlySpan<Scratch<float>>)[scales, residualShares, normShares]) new Span<float>(one.Ensure(Panels * Lane), Panels * Lane).Clear();
        biases.Ensure(Panels * Lane);
        constants.Ensure(count);
        magnitudes.Ensure(count);
    }

    /// <summary>Whether float32 holds the bounds of a query of this norm, and its scores.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Fits(CodedRows rows, double norm) => norm <= LargestNorm && rows.LargestNorm <= LargestNorm;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Norm(ReadOnlySpan<float> values)
    {
        double squares = 0;
        foreach (float value in values) squares += (double)value * value;
        return Math.Sqrt(squares);
    }

    /// <summary>Codes one panel's queries. Different panels may be made by different threads.</summary>
    /// <param name="panel">Which.</param>
    /// <param name="queries">All queries of the call, [Q, D].</param>
    /// <param name="work">D doubles.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Prepare(int panel, float* queries, Span<double> work)
    {
        int first = FirstSlot(panel), count = SlotsOf(panel);
        for (int q = 0; q < count; q++)
        {
            float* query = queries + (nint)queryOf.Pointer[first + q] * dimension;
            Lay(query, dimension, Chains(first + q));
            if (coded) Code(panel, q, count, query, work[..dimension]);
        }
    }

    /// <summary>D values, a vector of chains at a time: <c>[dimension of a chain][16 chains]</c>, zeros past the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Lay(float* values, int dimension, float* to)
    {
        int length = ScoreChain.Length(dimension), at = 0;
        new Span<float>(to, length * ScoreChain.Most).Clear();
        for (int chain = 0; at < dimension; chain++)
            for (int i = 0; i < length && at < dimension; i++, at++) to[(i * ScoreChain.Most) + chain] = values[at];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Code(int panel, int q, int inPanel, float* query, Span<double> p)
    {
        CodedRows rows = Rows;
        float[] centre = rows.Centre;
        double toCentre = 0, squares = 0, centreSquares = 0, shifted = 0;
        bool distance = rows.Similarity == Similarity.L2;
        for (int d = 0; d < dimension; d++)
        {
            double x = query[d], c = centre[d], difference = x - c;
            toCentre += x * c;
            squares += x * x;
            centreSquares += c * c;
            shifted += difference * difference;
            p[d] = distance ? difference : x;
        }
        rows.Rotation?.Apply(p);
        double most = 0;
        foreach (double value in p) most = Math.Max(most, Math.Abs(value));
        float scale = most > 0 ? (float)Math.Min(scan.QueryLimit * (1 - 1e-6) / most, LargestScale) : 1;
        double b = scale, coded = 0, rest = 0;
        int sum = 0;
        sbyte* to = Panel(panel) + (q * CodeScan.GroupValues);
        int groupStride = inPanel * CodeScan.GroupValues;
        for (int g = 0, d = 0; g < rows.Groups; g++, to += groupStride)
        {
            for (int i = 0; i < CodeScan.GroupValues; i++, d++)
            {
                double scaled = d < dimension ? p[d] * b : 0, code = Math.Round(scaled);
                coded += code * code;
                rest += (scaled - code) * (scaled - code);
                sum += (int)code;
                to[i] = (sbyte)code;
            }
        }

        double norm = Math.Sqrt(squares), centreNorm = Math.Sqrt(centreSquares), rounding = ScoreChain.RelativeError(dimension);
        // Double precision's own roundings are far below the 1e-10 that stand for them.
        double codedNorm = Math.Sqrt(coded) / b * (1 + 1e-10), restNorm = (Math.Sqrt(rest) / b) + (1e-10 * (norm + (distance ? centreNorm : 0)));
        int at = (panel * Lane) + q, slot = FirstSlot(panel) + q;
        biases.Pointer[at] = -128 * sum;
        scales.Pointer[at] = scale;
        // An inner product's rounding is a share of ‖q‖·‖x‖ ≤ ‖q‖·(norm + ‖centre‖); a distance's is a share of itself.
        residualShares.Pointer[at] = MathF.BitIncrement((float)(codedNorm * (1 + Spare)));
        normShares.Pointer[at] = MathF.BitIncrement((float)((restNorm + (distance ? 0 : rounding * norm)) * (1 + Spare)));
        constants.Pointer[slot] = distance ? shifted : toCentre + (rounding * norm * centreNorm);
        magnitudes.Pointer[slot] = distance ? shifted : norm * centreNorm;
    }

    /// <summary>t of a slot: what sum/(s·b) − offset + q₁·residual + q₂·norm reaches for every row whose fp32 score is at least as good as <paramref name="score"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float Threshold(int slot, float score)
    {
        double constant = constants.Pointer[slot], tiny = 2.0 * dimension * float.Epsilon, t;
        if (Rows.Similarity == Similarity.InnerProduct)
        {
            t = score - constant - tiny - (1e-9 * (Math.Abs(score) + magnitudes.Pointer[slot]));
        }
        else
        {
            // ‖p‖² + ‖y‖² − 2·p·y is at most the score and its rounding.
            double most = (score * (1 + (2 * ScoreChain.RelativeError(dimension)))) + tiny;
            t = (constant - most - (1e-9 * (constant + most))) / 2;
        }
        return (float)(t - (Math.Abs(t) * Spare) - 1e-40);
    }

    /// <summary>The panel of a slot.</summary>
    public int PanelOf(int slot) => slot < larger * (perPanel + 1) ? slot / (perPanel + 1) : larger + ((slot - (larger * (perPanel + 1))) / perPanel);

    /// <summary>L2: ‖p‖², rounded.</summary>
    public double Square(int slot) => constants.Pointer[slot];

    /// <summary>The score whose <see cref="Threshold"/> would be <paramref name="value"/>, without any slack: an estimate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float Estimate(int slot, float value)
    {
        double constant = constants.Pointer[slot];
        return (float)(Rows.Similarity == Similarity.InnerProduct ? value + constant : constant - (2 * (double)value));
    }

    public void Dispose()
    {
        panels.Dispose();
        biases.Dispose();
        foreach (Scratch<float> one in (ReadOnlySpan<Scratch<float>>)[scales, residualShares, normShares, chains]) one.Dispose();
        constants.Dispose();
        magnitudes.Dispose();
        queryOf.Dispose();
    }
}
