using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Osprey.Engine.Images;

/// <summary>Resizing with an antialiased triangle filter, bit for bit as Pillow does it, on which the check figures of published weights rest.</summary>
/// <remarks>
/// Two passes, columns first, each rounding to 8 bits; weights in 22-bit fixed point (Pillow's <c>Resample.c</c>, 8 bits per channel).
/// Downscaling widens the filter by the scale, so that every input pixel counts; upscaling is plain bilinear.
/// </remarks>
public static class Resize
{
    /// <summary>32 bits − 8 of the pixel − 2 of head room.</summary>
    const int PrecisionBits = 22;

    /// <param name="image">Any size; returned itself when it has the size asked for.</param>
    /// <param name="width">Pixels, at least 1; the aspect ratio is not kept.</param>
    /// <param name="height">Pixels, at least 1.</param>
    /// <exception cref="ArgumentException">A size below 1, or a result above 2³¹ bytes.</exception>
    public static RgbImage Bilinear(RgbImage image, int width, int height)
    {
        if (width < 1 || height < 1) throw new ArgumentException($"cannot resize to {width}×{height} pixels; both must be at least 1");
        if (3L * width * height > Array.MaxLength) throw new ArgumentException($"cannot resize to {width}×{height} pixels: more than {Array.MaxLength} bytes");
        if (width == image.Width && height == image.Height) return image;

        Taps? columns = width == image.Width ? null : new Taps(image.Width, width);
        Taps? rows = height == image.Height ? null : new Taps(image.Height, height);
        if (rows is null) return new RgbImage(width, height, Columns(image.Pixels, image.Width, image.Height, columns!, GC.AllocateUninitializedArray<byte>(3 * width * height)));

        byte[] resized = GC.AllocateUninitializedArray<byte>(3 * width * height);
        if (columns is null)
        {
            Rows(image.Pixels, 3 * width, rows, resized);
            return new RgbImage(width, height, resized);
        }
        long intermediate = 3L * width * image.Height;
        if (intermediate > Array.MaxLength) throw new ArgumentException($"cannot resize {image.Width}×{image.Height} to {width}×{height} pixels: the step between takes more than {Array.MaxLength} bytes");
        byte[] narrowed = ArrayPool<byte>.Shared.Rent((int)intermediate);
        try
        {
            Columns(image.Pixels, image.Width, image.Height, columns, narrowed);
            Rows(narrowed, 3 * width, rows, resized);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(narrowed);
        }
        return new RgbImage(width, height, resized);
    }

    /// <summary>Each row to the width of the taps, four rows at once.</summary>
    static byte[] Columns(byte[] source, int width, int height, Taps taps, byte[] target)
    {
        int stride = 3 * width, size = taps.Count;
        byte[] rented = ArrayPool<byte>.Shared.Rent(Quad * width);
        try
        {
            ref byte quads = ref rented[0];
            for (int y = 0; y < height; y += Quad / 4)
            {
                int lines = Math.Min(Quad / 4, height - y);
                for (int line = 0; line < lines; line++) Spread(source.AsSpan((y + line) * stride, stride), rented.AsSpan(4 * line, Quad * width - 4 * line));
                for (int x = 0; x < size; x++)
                {
                    ReadOnlySpan<int> weights = taps.Weights(x);
                    ref byte first = ref Unsafe.Add(ref quads, Quad * taps.First[x]);
                    Vector256<int> upper = Vector256.Create(1 << (PrecisionBits - 1)), lower = upper;
                    for (int k = 0; k < weights.Length; k++)
                    {
                        Vector256<ushort> pixels = Vector256.WidenLower(Vector128.LoadUnsafe(ref first, (nuint)(Quad * k)).ToVector256());
                        Vector256<int> weight = Vector256.Create(weights[k]);
                        upper += Vector256.WidenLower(pixels).AsInt32() * weight;
                        lower += Vector256.WidenUpper(pixels).AsInt32() * weight;
                    }
                    Vector256<ushort> narrow = Vector256.Narrow(Clipped(upper), Clipped(lower));
                    Vector128<byte> bytes = Vector128.Narrow(narrow.GetLower(), narrow.GetUpper());
                    for (int line = 0; line < lines; line++)
                    {
                        uint pixel = bytes.AsUInt32()[line];
                        Span<byte> output = target.AsSpan(((y + line) * size + x) * 3, 3);
                        MemoryMarshal.Write(output, (ushort)pixel);
                        output[2] = (byte)(pixel >> 16);
                    }
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
        return target;
    }

    static Vector256<uint> Clipped(Vector256<int> sum) => Vector256.Min(sum >> PrecisionBits, Vector256.Create(255)).AsUInt32();

    /// <summary>Bytes of four pixels, one below the other: red, green, blue and one that is not looked at.</summary>
    const int Quad = 16;

    /// <summary>The pixels of a row, <see cref="Quad"/> bytes apart.</summary>
    static void Spread(ReadOnlySpan<byte> row, Span<byte> quads)
    {
        int at = 0;
        // Four bytes are copied where three are meant, so the last pixel is taken apart.
        for (; row.Length > 3; row = row[3..], at += Quad) row[..4].CopyTo(quads[at..]);
        row.CopyTo(quads[at..]);
    }

    /// <summary>The rows of <paramref name="stride"/> bytes to the number of the taps.</summary>
    static void Rows(byte[] source, int stride, Taps taps, byte[] target)
    {
        int step = Vector<byte>.Count;
        for (int y = 0; y < taps.Count; y++)
        {
            ReadOnlySpan<int> weights = taps.Weights(y);
            ReadOnlySpan<byte> rows = source.AsSpan(taps.First[y] * stride, weights.Length * stride);
            Span<byte> output = target.AsSpan(y * stride, stride);
            // The last vector ends with the row, and may begin within the one before.
            for (int i = 0; stride >= step && i < stride; i += step) AddScaled(rows, stride, Math.Min(i, stride - step), weights, output);
            for (int i = 0; stride < step && i < stride; i++)
            {
                int sum = 1 << (PrecisionBits - 1);
                for (int k = 0; k < weights.Length; k++) sum += rows[k * stride + i] * weights[k];
                output[i] = Clip(sum);
            }
        }
    }

    static void AddScaled(ReadOnlySpan<byte> rows, int stride, int column, ReadOnlySpan<int> weights, Span<byte> output)
    {
        Vector<int> a = new(1 << (PrecisionBits - 1)), b = a, c = a, d = a;
        for (int k = 0; k < weights.Length; k++)
        {
            var weight = new Vector<int>(weights[k]);
            Vector.Widen(new Vector<byte>(rows[(k * stride + column)..]), out Vector<ushort> low, out Vector<ushort> high);
            Vector.Widen(low, out Vector<uint> first, out Vector<uint> second);
            Vector.Widen(high, out Vector<uint> third, out Vector<uint> fourth);
            a += Vector.AsVectorInt32(first) * weight;
            b += Vector.AsVectorInt32(second) * weight;
            c += Vector.AsVectorInt32(third) * weight;
            d += Vector.AsVectorInt32(fourth) * weight;
        }
        Vector.Narrow(Vector.Narrow(Clipped(a), Clipped(b)), Vector.Narrow(Clipped(c), Clipped(d))).CopyTo(output[column..]);

        static Vector<uint> Clipped(Vector<int> sum) => Vector.AsVectorUInt32(Vector.Min(sum >> PrecisionBits, new Vector<int>(255)));
    }

    /// <remarks>The weights are never negative and sum to 1 within their rounding, so only the upper end can be passed.</remarks>
    static byte Clip(int sum) => (byte)Math.Min(sum >> PrecisionBits, 255);

    /// <summary>Which input pixels make each output pixel, and how much of each, along one axis.</summary>
    sealed class Taps
    {
        readonly int[] weights;
        readonly int[] length;
        readonly int width;

        public Taps(int input, int output)
        {
            double scale = (double)input / output, spread = Math.Max(scale, 1);
            width = (int)Math.Ceiling(spread) * 2 + 1;
            Count = output;
            First = new int[output];
            length = new int[output];
            weights = new int[(long)output * width];
            double[] exact = new double[width];
            for (int x = 0; x < output; x++)
            {
                double center = (x + 0.5) * scale;
                int first = Math.Max((int)(center - spread + 0.5), 0);
                int count = Math.Min((int)(center + spread + 0.5), input) - first;
                double total = 0;
                for (int k = 0; k < count; k++) total += exact[k] = Math.Max(1 - Math.Abs((k + first - center + 0.5) * (1 / spread)), 0);
                First[x] = first;
                length[x] = count;
                for (int k = 0; k < count; k++) weights[x * width + k] = (int)(0.5 + (total == 0 ? exact[k] : exact[k] / total) * (1 << PrecisionBits));
            }
        }

        public int Count { get; }

        public int[] First { get; }

        public ReadOnlySpan<int> Weights(int x) => weights.AsSpan(x * width, length[x]);
    }
}
