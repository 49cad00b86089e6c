using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Osprey.Interop.Formats;

/// <summary>The element types that are read and written, all little-endian.</summary>
public enum NpyType
{
    /// <summary><c>|i1</c>.</summary>
    Int8,

    /// <summary><c>&lt;f2</c>.</summary>
    Float16,

    /// <summary><c>&lt;f4</c>.</summary>
    Float32,

    /// <summary><c>&lt;i8</c>.</summary>
    Int64,
}

/// <summary>What a <c>.npy</c> file says of itself. Format: numpy.lib.format, versions 1.0, 2.0 and 3.0.</summary>
/// <param name="Type">Of the elements.</param>
/// <param name="Shape">Row-major; empty for a single value.</param>
/// <param name="DataOffset">Where the elements begin, bytes.</param>
public sealed partial record NpyHeader(NpyType Type, IReadOnlyList<long> Shape, long DataOffset)
{
    static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>A header says a few dozen bytes; one that claims more than this is not read into memory.</summary>
    const int LongestHeader = 1 << 16;

    public long Count
    {
        get
        {
            long count = 1;
            foreach (long extent in Shape) count = checked(count * extent);
            return count;
        }
    }

    public static int SizeOf(NpyType type) => type switch { NpyType.Int8 => 1, NpyType.Float16 => 2, NpyType.Float32 => 4, _ => 8 };

    static string Descr(NpyType type) => type switch { NpyType.Int8 => "|i1", NpyType.Float16 => "<f2", NpyType.Float32 => "<f4", _ => "<i8" };

    /// <exception cref="NotSupportedException">The elements are integers.</exception>
    internal void RequireFloats(string name)
    {
        if (Type is not (NpyType.Float32 or NpyType.Float16)) throw new NotSupportedException($"{name} holds {Type.ToString().ToLowerInvariant()} where float32 or float16 was expected");
    }

    /// <exception cref="InvalidDataException">The shape is not [N, D] with D of 1 or more.</exception>
    internal void RequireMatrix(string name)
    {
        if (Shape.Count != 2 || Shape[1] is < 1 or > int.MaxValue) throw new InvalidDataException($"{name} has the shape ({string.Join(", ", Shape)}) where [rows, dimension] was expected");
    }

    /// <summary>Reads the header at the stream's start and checks the sizes against its length; leaves the stream at the first element.</summary>
    /// <param name="stream">Seekable, at its start.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="InvalidDataException">Not such a file, truncated, or longer than its array.</exception>
    /// <exception cref="NotSupportedException">Another element type, big-endian, or Fortran order.</exception>
    public static NpyHeader Read(Stream stream, string name)
    {
        Span<byte> start = stackalloc byte[12];
        if (stream.ReadAtLeast(start[..8], 8, throwOnEndOfStream: false) < 8 || !start[..6].SequenceEqual(Magic))
            throw new InvalidDataException($"{name} is not an .npy file: it does not begin with \\x93NUMPY");
        int major = start[6], lengthBytes = major == 1 ? 2 : 4;
        if (major is < 1 or > 3) throw new InvalidDataException($"{name} is an .npy file of version {major}.{start[7]}; versions 1, 2 and 3 are read");
        if (stream.ReadAtLeast(start.Slice(8, lengthBytes), lengthBytes, throwOnEndOfStream: false) < lengthBytes) throw Truncated(name, "in its header");
        long length = major == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        if (length > LongestHeader || length > stream.Length - stream.Position) throw Truncated(name, $"its header claims {length} bytes");
        byte[] text = new byte[length];
        stream.ReadExactly(text);
        NpyHeader header = Parse((major == 3 ? Encoding.UTF8 : Encoding.Latin1).GetString(text), 8 + lengthBytes + length, name);

        long expected;
        try
        {
            expected = checked(header.DataOffset + header.Count * SizeOf(header.Type));
        }
        catch (OverflowException)
        {
            throw new InvalidDataException($"{name} claims the impossible shape ({string.Join(", ", header.Shape)})");
        }
        if (stream.Length != expected)
        {
            throw new InvalidDataException(
                $"{name} has {stream.Length} bytes, and its shape ({string.Join(", ", header.Shape)}) of {Descr(header.Type)} takes {expected}; it is {(stream.Length < expected ? "truncated" : "followed by something else")}");
        }
        return header;
    }

    static NpyHeader Parse(string text, long dataOffset, string name)
    {
        Match match = Dictionary().Match(text);
        if (!match.Success) throw new InvalidDataException($"{name} has an .npy header that is not understood: {text.Trim()}");
        var entries = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < match.Groups["key"].Captures.Count; i++) entries[match.Groups["key"].Captures[i].Value] = match.Groups["value"].Captures[i].Value;
        foreach (string key in new[] { "descr", "fortran_order", "shape" })
            if (!entries.ContainsKey(key)) throw new InvalidDataException($"{name} has an .npy header without '{key}': {text.Trim()}");

        NpyType type = entries["descr"].Trim('\'', '"') switch
        {
            "|i1" => NpyType.Int8,
            "<f2" => NpyType.Float16,
            "<f4" => NpyType.Float32,
            "<i8" => NpyType.Int64,
            string other => throw new NotSupportedException($"{name} holds elements of type {other}; int8 and little-endian float16, float32 and int64 are read (in Python: a.astype('<f4'))"),
        };
        if (entries["fortran_order"] == "True")
            throw new NotSupportedException($"{name} is in Fortran (column-major) order; save it row-major (in Python: np.ascontiguousarray(a))");
        if (entries["fortran_order"] != "False") throw new InvalidDataException($"{name} has fortran_order {entries["fortran_order"]}, neither True nor False");
        if (!entries["shape"].StartsWith('(')) throw new InvalidDataException($"{name} has shape {entries["shape"]}, which is no tuple");
        var shape = new List<long>();
        foreach (string part in entries["shape"].Trim('(', ')').Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out long extent)) throw new InvalidDataException($"{name} claims the impossible shape {entries["shape"]}");
            shape.Add(extent);
        }
        return new NpyHeader(type, shape, dataOffset);
    }

    /// <summary>The bytes before the elements: version 1.0, padded so that the elements begin at a multiple of 64.</summary>
    public static byte[] Encode(NpyType type, ReadOnlySpan<long> shape) => Encode(Descr(type), shape);

    /// <param name="descr">NumPy's name of the element type, such as <c>&lt;f4</c>.</param>
    /// <param name="shape">Extents, 0 or more.</param>
    internal static byte[] Encode(string descr, ReadOnlySpan<long> shape)
    {
        var extents = new StringBuilder();
        for (int i = 0; i < shape.Length; i++)
        {
            if (shape[i] < 0) throw new ArgumentException($"extent {i} of the shape is {shape[i]}; give 0 or more");
            extents.Append(i == 0 ? "" : ", ").Append(shape[i]);
        }
        if (shape.Length == 1) extents.Append(',');
        string dictionary = $"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({extents}), }}";
        int total = (Magic.Length + 4 + dictionary.Length + 1 + 63) / 64 * 64;
        byte[] header = new byte[total];
        header.AsSpan(10).Fill((byte)' ');
        Magic.CopyTo(header);
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), checked((ushort)(total - 10)));
        Encoding.Latin1.GetBytes(dictionary, header.AsSpan(10));
        header[^1] = (byte)'\n';
        return header;
    }

    static InvalidDataException Truncated(string name, string where) => new($"{name} is a truncated .npy file: {where}");

    [GeneratedRegex("""^\s*\{(?:\s*['"](?<key>\w+)['"]\s*:\s*(?<value>'[^']*'|"[^"]*"|True|False|\([^()]*\)|\[[^\]]*\])\s*,?)*\s*\}\s*$""", RegexOptions.ExplicitCapture)]
    private static partial Regex Dictionary();
}
