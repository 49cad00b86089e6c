using System.Runtime.CompilerServices;

namespace Osprey.Kernels;

/// <summary>The upper half of a float32: its sign, its exponent and 7 bits of its mantissa. torch's <c>bfloat16</c>, in memory as in arithmetic.</summary>
/// <param name="Bits">The bits, the sign first.</param>
public readonly record struct BFloat16(ushort Bits)
{
    public static explicit operator float(BFloat16 value) => BitConverter.UInt32BitsToSingle((uint)value.Bits << 16);

    /// <summary>To the nearest, ties to even; a NaN stays one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static explicit operator BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return new((ushort)(float.IsNaN(value) ? (bits >> 16) | 0x40 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16));
    }

    public override string ToString() => ((float)this).ToString();
}
