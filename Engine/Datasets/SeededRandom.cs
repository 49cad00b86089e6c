namespace Osprey.Engine.Datasets;

/// <summary>SplitMix64 (Steele, Lea and Flood 2014): the same numbers from the same seed on every machine and runtime.</summary>
/// <remarks>System.Random promises no algorithm; splits and synthetic scenes are named by their seed and must outlive a runtime.</remarks>
internal sealed class SeededRandom
{
    ulong _state;

    /// <param name="keys">Mixed in order: streams with different keys are unrelated.</param>
    public SeededRandom(params ReadOnlySpan<long> keys)
    {
        foreach (long key in keys) _state = Mix(_state ^ Mix((ulong)key + 0x9E3779B97F4A7C15));
    }

    public ulong NextBits() => Mix(_state += 0x9E3779B97F4A7C15);

    /// <summary>In [0, 1), 53 bits.</summary>
    public double Next() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>In [low, high).</summary>
    public float Range(double low, double high) => (float)(low + (high - low) * Next());

    /// <summary>0…<paramref name="count"/>−1, without the bias of a remainder.</summary>
    public int Below(int count) => (int)Math.BigMul(NextBits(), (ulong)count, out _);

    /// <summary>low…high, both included.</summary>
    public int Whole(int low, int high) => low + Below(high - low + 1);

    public bool Chance(double probability) => Next() < probability;

    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[Below(choices.Length)];

    /// <summary>Standard normal, by Box and Muller.</summary>
    public float Normal() => (float)(Math.Sqrt(-2 * Math.Log(1 - Next())) * Math.Cos(2 * Math.PI * Next()));

    /// <summary>Fisher–Yates.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
