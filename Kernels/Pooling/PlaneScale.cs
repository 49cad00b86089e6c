using ILGPU;

namespace Osprey.Kernels.Pooling;

/// <summary>The power of two below a plane's largest activation, and its inverse: both exact, so scaling by them costs no accuracy.</summary>
internal static class PlaneScale
{
    /// <param name="maximum">At least 1e-6; +∞ and NaN count as 2^126.</param>
    /// <param name="inverse">2^-⌊log₂ maximum⌋.</param>
    public static float Of(float maximum, out float inverse)
    {
        int exponent = (int)Interop.FloatAsInt(maximum) & 0x7f800000;
        // Beyond 2^126 the inverse would not be a normal float.
        if (exponent > 253 << 23) exponent = 253 << 23;
        inverse = Interop.IntAsFloat((uint)((254 << 23) - exponent));
        return Interop.IntAsFloat((uint)exponent);
    }
}
