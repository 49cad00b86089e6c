using Osprey.Engine.Datasets;

namespace Osprey.Engine.Training;

/// <summary>Cards drawn in random order and shuffled anew when they run out, as a fair dealer does: no card falls more than a round behind.</summary>
internal sealed class Deck(int[] cards, SeededRandom random)
{
    /// <summary>The next card is the last one.</summary>
    List<int> pile = [];

    /// <summary>Draws <paramref name="count"/> cards, all different as long as there are that many different ones.</summary>
    public int[] Draw(int count)
    {
        var drawn = new int[count];
        var taken = new HashSet<int>();
        for (int i = 0; i < count; i++)
        {
            if (taken.Count == cards.Length) taken.Clear();
            int at = pile.FindLastIndex(card => !taken.Contains(card));
            if (at < 0)
            {
                // What is left of the old round lies on top of the new one: it is late already.
                int[] round = [.. cards];
                random.Shuffle<int>(round);
                pile = [.. round, .. pile];
                at = pile.FindLastIndex(card => !taken.Contains(card));
            }
            drawn[i] = pile[at];
            taken.Add(pile[at]);
            pile.RemoveAt(at);
        }
        return drawn;
    }
}
