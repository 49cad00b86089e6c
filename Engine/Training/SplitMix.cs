namespace Osprey.Engine.Training;

/// <summary>
/// A random stream that is named by what it is for: same key, same numbers, whatever was drawn before and on whichever thread.
/// SplitMix64, Steele, Lea and Flood 2014.
/// </summary>
/// <remarks>This, and not a generator with a state to save, is what makes a resumed run see the same batches.</remarks>
internal struct SplitMix
{
    const ulong Golden = 0x9E3779B97F4A7C15;

    ulong state;

    /// <param name="key">For instance seed, purpose, step, index in the batch.</param>
    public SplitMix(params ReadOnlySpan<ulong> key)
    {
        state = Golden;
        foreach (ulong part in key) state = Mix(state ^ Mix(part + Golden)) + Golden;
    }

    public ulong Next() => Mix(state += Golden);

    /// <summary>In [0, 1), 53 random bits.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>In [low, high).</summary>
    public double Uniform(double low, double high) => low + (high - low) * NextDouble();

    /// <summary>In 0…<paramref name="count"/>−1; the bias is under count·2⁻⁶⁴.</summary>
    public int NextInt(int count) => (int)Math.BigMul(Next(), (ulong)count, out _);

    public void Shuffle(Span<int> values)
    {
        for (int i = values.Length - 1; i > 0; i--)
        {
            int j = NextInt(i + 1);
            (values[i], values[j]) = (values[j], values[i]);
        }
    }

    static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

/// <summary>First part of every <see cref="SplitMix"/> key after the seed, so that no two uses share a stream.</summary>
internal static class Purpose
{
    public const ulong ClassWeights = 1;
    public const ulong Sampling = 2;
    public const ulong Augmentation = 3;
    public const ulong Attack = 4;
}
