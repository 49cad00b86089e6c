using Osprey.Engine.Datasets;

namespace Osprey.Engine.Evaluation;

/// <summary>A seeded sample over the classes, so that a few items speak for all.</summary>
static class ClassSample
{
    /// <summary>One item of each class in turn, the classes and the items shuffled.</summary>
    /// <param name="count">Number of items.</param>
    /// <param name="label">The class of item 0…<paramref name="count"/>−1.</param>
    /// <param name="most">Items taken at most.</param>
    /// <param name="keys">Seed and stream.</param>
    public static IEnumerable<int> Draw(int count, Func<int, int> label, int most, params ReadOnlySpan<long> keys)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        new SeededRandom(keys).Shuffle(order.AsSpan());
        return order.GroupBy(label).SelectMany(g => g.Select((item, turn) => (item, turn))).OrderBy(p => p.turn).Select(p => p.item).Take(most);
    }
}
