namespace Osprey.Tool.Doctor;

/// <summary>One kernel against its definition in 64-bit arithmetic.</summary>
/// <param name="Operation">Kernel and variant.</param>
/// <param name="MaxError">Largest |got − expected| / (1 + |expected|); NaN where the result is not finite.</param>
/// <param name="Tolerance">What 32-bit arithmetic may differ by.</param>
sealed record Check(string Operation, double MaxError, double Tolerance)
{
    public bool Passed => MaxError <= Tolerance;
}

/// <summary>The largest scaled difference seen so far.</summary>
sealed class ErrorMeter
{
    public double Max { get; private set; }

    public void Add(double got, double expected)
    {
        double error = Math.Abs(got - expected) / (1 + Math.Abs(expected));
        // Written so that a NaN stays: it is larger than everything.
        if (!(error <= Max)) Max = error;
    }

    public void Add(ReadOnlySpan<float> got, ReadOnlySpan<double> expected)
    {
        for (int i = 0; i < got.Length; i++) Add(got[i], expected[i]);
    }
}
