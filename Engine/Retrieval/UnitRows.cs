namespace Osprey.Engine.Retrieval;

/// <summary>Descriptors scaled to length 1 for the cosine.</summary>
static class UnitRows
{
    /// <summary>A row whose squared length is this close to 1 is left as it is, bit for bit: normalisation in float32, with the 1e-6 that is added to the norm, is no closer.</summary>
    const double Tolerance = 1e-5;

    /// <summary>The rows themselves if all are unit vectors or zero; otherwise a copy in which they are.</summary>
    public static ReadOnlyMemory<float> Normalize(ReadOnlyMemory<float> rows, int dimension) => FirstToScale(rows.Span, dimension) is int first and >= 0 ? Scaled(rows.Span, dimension, first) : rows;

    /// <inheritdoc cref="Normalize(ReadOnlyMemory{float}, int)"/>
    public static ReadOnlySpan<float> Normalize(ReadOnlySpan<float> rows, int dimension) => FirstToScale(rows, dimension) is int first and >= 0 ? Scaled(rows, dimension, first) : rows;

    static int FirstToScale(ReadOnlySpan<float> rows, int dimension)
    {
        for (int i = 0; i < rows.Length / dimension; i++)
            if (NeedsScaling(rows.Slice(i * dimension, dimension), out _)) return i;
        return -1;
    }

    static float[] Scaled(ReadOnlySpan<float> rows, int dimension, int from)
    {
        float[] unit = rows.ToArray();
        for (int i = from; i < unit.Length / dimension; i++)
        {
            Span<float> row = unit.AsSpan(i * dimension, dimension);
            if (!NeedsScaling(row, out double squares)) continue;
            double scale = 1 / Math.Sqrt(squares);
            foreach (ref float value in row) value = (float)(value * scale);
        }
        return unit;
    }

    // In double precision: neither a huge nor a tiny row over- or underflows.
    static bool NeedsScaling(ReadOnlySpan<float> row, out double squares)
    {
        squares = 0;
        foreach (float value in row) squares += (double)value * value;
        return squares > 0 && Math.Abs(squares - 1) > Tolerance;
    }
}
