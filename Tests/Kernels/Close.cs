using NUnit.Framework;

namespace Osprey.Tests.Kernels;

/// <summary>Comparison of float32 results with an fp64 reference, where not-a-number and infinities must match too.</summary>
static class Close
{
    /// <summary>|got − want| ≤ relative·|want| + absolute for every value.</summary>
    public static void Assert(ReadOnlySpan<float> got, ReadOnlySpan<double> want, double relative, double absolute = 0, string what = "")
    {
        NUnit.Framework.Assert.That(got.Length, Is.EqualTo(want.Length), what);
        for (int i = 0; i < got.Length; i++)
        {
            bool same = double.IsFinite(want[i])
                ? Math.Abs(got[i] - want[i]) <= (relative * Math.Abs(want[i])) + absolute
                : double.IsNaN(want[i]) ? float.IsNaN(got[i]) : got[i] == want[i];
            if (!same) NUnit.Framework.Assert.Fail($"{what} value {i} is {got[i]:R}, the reference {want[i]:R}");
        }
    }

    public static float[] Random(int seed, int count, double low, double high)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = (float)(low + (random.NextDouble() * (high - low)));
        return values;
    }
}
