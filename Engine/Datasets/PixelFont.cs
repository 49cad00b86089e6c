namespace Osprey.Engine.Datasets;

/// <summary>Five by seven dots a letter: labels on a picture look the same on every machine, with or without fonts.</summary>
internal static class PixelFont
{
    public const int Width = 5, Height = 7, Advance = 6;

    const string Letters = "abcdefghijklmnopqrstuvwxyz0123456789-._";

    /// <summary>A column of dots per byte, the lowest bit at the top, five columns a letter.</summary>
    static readonly byte[] Columns = Convert.FromHexString(
        "2054545478" + "7F48444438" + "3844444420" + "384444487F" + "3854545418" + "087E090102" + "0C5252523E" + "7F08040478" + "00447D4000" + "2040443D00"
        + "7F10284400" + "00417F4000" + "7C04180478" + "7C08040478" + "3844444438" + "7C14141408" + "081414187C" + "7C08040408" + "4854545420" + "043F444020"
        + "3C4040207C" + "1C2040201C" + "3C4030403C" + "4428102844" + "0C5050503C" + "4464544C44"
        + "3E5149453E" + "00427F4000" + "4261514946" + "2141454B31" + "1814127F10" + "2745454539" + "3C4A494930" + "0171090503" + "3649494936" + "064949291E"
        + "0808080808" + "0060600000" + "4040404040");

    /// <summary>The dots of a text, from its top left; letters are taken as small, what is unknown as a space.</summary>
    public static IEnumerable<(int X, int Y)> Dots(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            int letter = Letters.IndexOf(char.ToLowerInvariant(text[i]), StringComparison.Ordinal);
            if (letter < 0) continue;
            for (int x = 0; x < Width; x++)
                for (int y = 0; y < Height; y++)
                    if ((Columns[letter * Width + x] >> y & 1) != 0) yield return (i * Advance + x, y);
        }
    }
}
