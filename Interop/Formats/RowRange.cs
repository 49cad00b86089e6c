using Microsoft.Win32.SafeHandles;

namespace Osprey.Interop.Formats;

/// <summary>What the readers of matrices have in common.</summary>
public static class RowRange
{
    /// <exception cref="ArgumentException">The range is not inside the matrix; the message shows both.</exception>
    public static void Check(long first, int values, IRowFile file, string path)
    {
        int count = values / file.Dimension;
        if (count * file.Dimension != values) throw new ArgumentException($"{values} values are no whole number of rows of {file.Dimension}");
        if (first < 0 || first + count > file.Count) throw new ArgumentException($"rows {first} to {first + count - 1} were asked of {path}, which has {file.Count}");
    }

    /// <exception cref="InvalidDataException">The file has become shorter since it was opened.</exception>
    internal static void ReadExactly(SafeFileHandle file, Span<byte> bytes, long offset, string path)
    {
        while (!bytes.IsEmpty)
        {
            int read = RandomAccess.Read(file, bytes, offset);
            if (read == 0) throw new InvalidDataException($"{path} became shorter while it was read");
            bytes = bytes[read..];
            offset += read;
        }
    }
}
