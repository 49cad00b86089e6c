namespace Osprey.Interop.Formats;

/// <summary>A row as int8 codes −127 … 127 and one float32 scale: x̂ = code · scale.</summary>
/// <remarks>
/// The scale is max|x| / 127, rounded up to 17 significant bits, and at least 2⁻¹²⁶. With the code's 7 bits a product then has 24 at most, so that x̂ is exact in float32, here as in
/// NumPy; and a row that was read, and is encoded again, gives the same codes and the same scale: what is deleted from, exported or imported loses nothing twice.
/// </remarks>
public static class ScaledRow
{
    /// <summary>The mantissa's last 7 bits, which a scale does not have.</summary>
    const uint Spare = 0x7F;

    /// <summary>The smallest scale: below it float32 has fewer bits. A row of zeros has it.</summary>
    public const float SmallestScale = 1.17549435e-38f;

    /// <summary>The nearest codes, ties to even: |x − x̂| ≤ scale/2 for every value, and the largest magnitude has the code ±127 unless the scale is the smallest.</summary>
    /// <param name="row">D values.</param>
    /// <param name="codes">D of them; overwritten.</param>
    /// <returns>The scale; NaN, with the codes undefined, where a value is not finite, or so near to float32's largest (3.4027e38) that x̂ would not be.</returns>
    public static float Encode(ReadOnlySpan<float> row, Span<sbyte> codes)
    {
        float largest = 0;
        foreach (float value in row) largest = MathF.Max(largest, MathF.Abs(value)); // NaN stays
        if (!float.IsFinite(largest)) return float.NaN;
        float scale = MathF.Max(SmallestScale, BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(largest / 127) + Spare) & ~Spare));
        if (!float.IsFinite(127 * scale)) return float.NaN;
        // In double a quotient that is no tie is not rounded to one.
        for (int d = 0; d < row.Length; d++) codes[d] = (sbyte)Math.Round(row[d] / (double)scale);
        return scale;
    }

    /// <summary>x̂ = code · scale.</summary>
    /// <param name="codes">D of them.</param>
    /// <param name="scale">As <see cref="Encode"/> gave it.</param>
    /// <param name="row">D values; overwritten.</param>
    public static void Decode(ReadOnlySpan<sbyte> codes, float scale, Span<float> row)
    {
        for (int d = 0; d < codes.Length; d++) row[d] = codes[d] * scale;
    }
}
