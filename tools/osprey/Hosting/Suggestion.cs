namespace Osprey.Tool.Hosting;

/// <summary>The known word that a mistyped one was probably meant to be.</summary>
static class Suggestion
{
    /// <summary>The nearest of <paramref name="known"/> within a third of the word's length in edits, or one that it begins; null if there is none.</summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        string bare = word.Split('=', 2)[0].ToLowerInvariant();
        return known.Select(k => (Word: k, Edits: k.StartsWith(bare, StringComparison.Ordinal) && bare.TrimStart('-').Length >= 2 ? 0 : Edits(bare, k)))
            .Where(c => c.Edits <= Math.Max(1, bare.TrimStart('-').Length / 3))
            .OrderBy(c => c.Edits).ThenBy(c => c.Word, StringComparer.Ordinal)
            .Select(c => c.Word).FirstOrDefault();
    }

    /// <summary>Levenshtein's distance.</summary>
    static int Edits(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }
        return row[b.Length];
    }
}
