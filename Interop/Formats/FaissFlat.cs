using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Osprey.Interop.Formats;

/// <summary>
/// A flat index file of FAISS, <c>IndexFlatIP</c> or <c>IndexFlatL2</c>: what <c>faiss.write_index</c> writes and <c>faiss.read_index</c> reads. Format: faiss,
/// impl/index_write.cpp, compared with version 1.7.3. Little-endian:
/// <list type="bullet">
/// <item>bytes 0–3 <c>IxFI</c> or <c>IxF2</c> (<c>IxFl</c>: the metric field decides); int32 D; int64 N</item>
/// <item>16 bytes that are not read: int64 2²⁰ twice; 1 byte: trained; int32 metric, 0 the inner product, 1 the squared distance</item>
/// <item>int64 N·D; from byte 45 on float32 [N, D]</item>
/// </list>
/// The neighbours' ids in FAISS are the row numbers.
/// </summary>
public sealed class FaissFlat : IRowFile
{
    const int HeaderSize = 45, InnerProductMetric = 0, L2Metric = 1;

    readonly SafeFileHandle file;
    readonly string path;

    FaissFlat(SafeFileHandle file, string path, long count, int dimension, bool l2)
    {
        this.file = file;
        this.path = path;
        Count = count;
        Dimension = dimension;
        IsL2 = l2;
    }

    /// <inheritdoc/>
    public long Count { get; }

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <summary>Nearness is the squared distance; otherwise the inner product.</summary>
    public bool IsL2 { get; }

    /// <exception cref="InvalidDataException">The file is broken, or no index of FAISS.</exception>
    /// <exception cref="NotSupportedException">Another kind of index, or another metric; the message names it.</exception>
    public static FaissFlat Open(string path)
    {
        SafeFileHandle file = File.OpenHandle(path, options: FileOptions.SequentialScan);
        try
        {
            Span<byte> header = stackalloc byte[HeaderSize];
            int read = RandomAccess.Read(file, header, 0);
            string kind = Encoding.Latin1.GetString(header[..4]);
            if (read < 4 || kind.Any(c => !char.IsAsciiLetterOrDigit(c))) throw new InvalidDataException($"{path} is no index of FAISS: it does not begin with four letters that name its kind");
            if (kind is not ("IxFI" or "IxF2" or "IxFl"))
                throw new NotSupportedException($"{path} holds an index of FAISS of the kind {kind}; flat ones (IxFI, IxF2) are read (in Python: IndexFlatIP or IndexFlatL2 of index.reconstruct_n())");
            if (read < HeaderSize) throw new InvalidDataException($"{path} is truncated: it has {read} bytes, and the header alone takes {HeaderSize}");
            int dimension = BinaryPrimitives.ReadInt32LittleEndian(header[4..]), metric = BinaryPrimitives.ReadInt32LittleEndian(header[33..]);
            long count = BinaryPrimitives.ReadInt64LittleEndian(header[8..]), values = BinaryPrimitives.ReadInt64LittleEndian(header[37..]);
            if (metric is not (InnerProductMetric or L2Metric)) throw new NotSupportedException($"{path} has the metric {metric} of FAISS; 0, the inner product, and 1, the squared distance, are read");
            if (kind != "IxFl" && metric != MetricOf(kind == "IxF2")) throw new InvalidDataException($"{path} is broken: it is of the kind {kind} and has the metric {metric}");
            if (dimension < 1 || count < 0 || (Int128)count * dimension != values)
                throw new InvalidDataException($"{path} is broken: it claims {count} × {dimension} values and then {values}");
            long length = RandomAccess.GetLength(file);
            if (HeaderSize + ((Int128)values * sizeof(float)) != length)
                throw new InvalidDataException($"{path} has {length} bytes, and {count} × {dimension} values take {HeaderSize + ((Int128)values * sizeof(float))}; it is {(HeaderSize + ((Int128)values * sizeof(float)) > length ? "truncated" : "followed by something else")}");
            return new FaissFlat(file, path, count, dimension, metric == L2Metric);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(long first, Span<float> rows)
    {
        RowRange.Check(first, rows.Length, this, path);
        RowRange.ReadExactly(file, MemoryMarshal.AsBytes(rows), HeaderSize + (first * Dimension * sizeof(float)), path);
    }

    /// <summary>Writes all that comes before the rows; the caller writes these, float32 [count, dimension].</summary>
    /// <param name="stream">Where the file begins.</param>
    /// <param name="count">N, 0 or more.</param>
    /// <param name="dimension">D, 1 or more.</param>
    /// <param name="l2">Squared distance instead of inner product.</param>
    public static void WriteHeader(Stream stream, long count, int dimension, bool l2)
    {
        if (count < 0 || dimension < 1) throw new ArgumentException($"the index would be {count} × {dimension}; give 0 or more rows of 1 or more values");
        Span<byte> header = stackalloc byte[HeaderSize];
        Encoding.ASCII.GetBytes(l2 ? "IxF2" : "IxFI", header);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], dimension);
        BinaryPrimitives.WriteInt64LittleEndian(header[8..], count);
        BinaryPrimitives.WriteInt64LittleEndian(header[16..], 1 << 20);
        BinaryPrimitives.WriteInt64LittleEndian(header[24..], 1 << 20);
        header[32] = 1;
        BinaryPrimitives.WriteInt32LittleEndian(header[33..], MetricOf(l2));
        BinaryPrimitives.WriteInt64LittleEndian(header[37..], checked(count * dimension));
        stream.Write(header);
    }

    static int MetricOf(bool l2) => l2 ? L2Metric : InnerProductMetric;

    public void Dispose() => file.Dispose();
}
