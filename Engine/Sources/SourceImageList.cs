using System.Buffers;
using System.Collections;
using System.Text;
using Osprey.Engine.Images;

namespace Osprey.Engine.Sources;

/// <summary>
/// The images of a source, of which there may be hundreds of millions: of a name is held what differs from one nearby, in UTF-8. That is 4 bytes of label, 2 of lengths and the last
/// letters of the name for each image, where objects and strings take some 200.
/// </summary>
/// <remarks>Add all, then read: from many threads, if need be. Reading one image passes over the lengths of those before it in its group.</remarks>
sealed class SourceImageList : IReadOnlyList<SourceImage>
{
    /// <summary>Images whose names lie together. The first is whole; of the others the bytes it begins with as well are left out.</summary>
    const int GroupSize = 64;

    readonly List<byte[]> groups = [];
    readonly ArrayBufferWriter<byte> open = new();
    readonly List<int> labels = [];
    byte[] head = [];

    /// <summary>By image; as long as the list of images from the first window on, and empty before.</summary>
    readonly List<PixelWindow?> windows = [];

    public int Count => labels.Count;

    public SourceImage this[int index] => new(PathOf(index), labels[index], index < windows.Count ? windows[index] : null);

    /// <param name="path">As <see cref="SourceImage.Path"/>, as the others are.</param>
    /// <param name="label">Its class.</param>
    /// <param name="window">Its part of the file; null for all of it.</param>
    public void Add(string path, int label, PixelWindow? window = null)
    {
        byte[] name = Encoding.UTF8.GetBytes(path);
        bool first = Count % GroupSize == 0;
        int shared = first ? 0 : name.AsSpan().CommonPrefixLength(head);
        // Between letters, each of which may be several bytes: the two halves are read by themselves.
        while (shared > 0 && shared < name.Length && (name[shared] & 0xC0) == 0x80) shared--;
        if (first) head = name;
        WriteNumber(shared);
        WriteNumber(name.Length - shared);
        open.Write(name.AsSpan(shared));
        if (window is not null || windows.Count > 0)
        {
            while (windows.Count < Count) windows.Add(null);
            windows.Add(window);
        }
        labels.Add(label);
        if (Count % GroupSize > 0) return;
        groups.Add(open.WrittenSpan.ToArray());
        open.ResetWrittenCount();
    }

    /// <summary>Gives every label another.</summary>
    /// <param name="to">By label.</param>
    public void Relabel(ReadOnlySpan<int> to)
    {
        for (int i = 0; i < Count; i++) labels[i] = to[labels[i]];
    }

    public IEnumerator<SourceImage> GetEnumerator()
    {
        for (int i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    string PathOf(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        int group = index / GroupSize;
        ReadOnlySpan<byte> rest = group < groups.Count ? groups[group] : open.WrittenSpan, first = [];
        for (int i = 0; ; i++)
        {
            int shared = ReadNumber(ref rest), own = ReadNumber(ref rest);
            ReadOnlySpan<byte> name = rest[..own];
            if (i == 0) first = name;
            if (i == index % GroupSize) return string.Concat(Encoding.UTF8.GetString(first[..shared]), Encoding.UTF8.GetString(name));
            rest = rest[own..];
        }
    }

    /// <summary>Seven bits a byte, the least first; the highest bit says that more follow.</summary>
    void WriteNumber(int value)
    {
        for (; value > 0x7F; value >>= 7) open.Write([(byte)(value | 0x80)]);
        open.Write([(byte)value]);
    }

    static int ReadNumber(ref ReadOnlySpan<byte> bytes)
    {
        int value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = bytes[0];
            bytes = bytes[1..];
            value |= (next & 0x7F) << shift;
            if (next <= 0x7F) return value;
        }
    }
}
