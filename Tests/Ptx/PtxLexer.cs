namespace Osprey.Tests.Ptx;

/// <summary>A word, a number or a mark of PTX text, and the line it stands on. The end is an empty text.</summary>
readonly record struct PtxToken(string Text, int Line)
{
    public bool IsWord => Text.Length > 0 && (char.IsLetter(Text[0]) || Text[0] is '%' or '$' or '_' or '.');

    public bool IsNumber => Text.Length > 0 && char.IsDigit(Text[0]);
}

/// <summary>Cuts PTX text into tokens. Opcodes with their modifiers, and names with their dots, are one token.</summary>
static class PtxLexer
{
    public static List<PtxToken> Read(string text)
    {
        var tokens = new List<PtxToken>();
        int line = 1, at = 0;
        while (at < text.Length)
        {
            char c = text[at];
            if (c == '\n') line++;
            if (char.IsWhiteSpace(c))
            {
                at++;
            }
            else if (c == '/' && At(text, at + 1) == '/')
            {
                while (at < text.Length && text[at] != '\n') at++;
            }
            else if (c == '/' && At(text, at + 1) == '*')
            {
                int end = text.IndexOf("*/", at + 2, StringComparison.Ordinal);
                if (end < 0) throw new PtxFaultException($"line {line}: a comment without an end");
                line += text.AsSpan(at, end - at).Count('\n');
                at = end + 2;
            }
            else
            {
                int end = c == '"' ? text.IndexOf('"', at + 1) + 1 : EndOf(text, at);
                if (end <= at) throw new PtxFaultException($"line {line}: a string without an end");
                tokens.Add(new PtxToken(text[at..end], line));
                at = end;
            }
        }
        tokens.Add(new PtxToken("", line));
        return tokens;
    }

    static char At(string text, int at) => at < text.Length ? text[at] : '\0';

    static int EndOf(string text, int at)
    {
        int end = at + 1;
        if (char.IsDigit(text[at]))
        {
            bool hexadecimal = text[at] == '0' && At(text, end) is 'x' or 'X' or 'f' or 'F' or 'd' or 'D';
            while (char.IsLetterOrDigit(At(text, end)) || At(text, end) == '.' || (!hexadecimal && At(text, end) is '+' or '-' && text[end - 1] is 'e' or 'E')) end++;
            return end;
        }
        if (!char.IsLetter(text[at]) && text[at] is not ('%' or '$' or '_' or '.')) return end;
        while (true)
        {
            if (char.IsLetterOrDigit(At(text, end)) || At(text, end) is '_' or '$' or '.') end++;
            else if (At(text, end) == ':' && At(text, end + 1) == ':') end += 2; // .L2::128B
            else return end;
        }
    }
}
