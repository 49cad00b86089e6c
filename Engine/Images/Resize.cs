using System.Buffers;
using System.Numerics;
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

    /// <summary>Each row to the width of the taps.</summary>
    static byte[] Columns(byte[] source, int width, int height, Taps taps, byte[] target)
    {
        int stride = 3 * width, size = taps.Count;
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> row = source.AsSpan(y * stride, stride);
            Span<byte> output = target.AsSpan(y * 3 * size, 3 * size);
            for (int x = 0; x < size; x++)
            {
                int first = taps.First[x];
                ReadOnlySpan<int> weights = taps.Weights(x);
                // Red, green, blue and (unused) the next pixel's red in one register; four bytes are read where three are meant,
                // so the last pixel of the row is taken apart.
                int wide = Math.Min(weights.Length, width - 1 - first);
                Vector128<int> sum = Vector128.Create(1 << (PrecisionBits - 1));
                ref byte pixels = ref MemoryMarshal.GetReference(row[(3 * first)..]);
                for (int k = 0; k < wide; k++)
                    sum += Widen(MemoryMarshal.Read<uint>(row[(3 * (first + k))..])) * weights[k];
                if (wide < weights.Length)
                {
                    ReadOnlySpan<byte> last = row[^3..];
                    sum += Vector128.Create(last[0], last[1], last[2], 0) * weights[wide];
                }
                output[3 * x] = Clip(sum[0]);
                output[3 * x + 1] = Clip(sum[1]);
                output[3 * x + 2] = Clip(sum[2]);
            }
        }
        return target;
    }

    static Vector128<int> Widen(uint fourBytes)
    {
        Vector128<ushort> shorts = Vector128.WidenLower(Vector128.CreateScalarUnsafe(fourBytes).AsByte());
        return Vector128.WidenLower(shorts).AsInt32();
    }

    /// <summary>The rows of <paramref name="stride"/> bytes to the number of the taps.</summary>
    static void Rows(byte[] source, int stride, Taps taps, byte[] target)
    {
        int[] sums = ArrayPool<int>.Shared.Rent(stride);
        try
        {
            for (int y = 0; y < taps.Count; y++)
            {
                Span<int> sum = sums.AsSpan(0, stride);
                sum.Fill(1 << (PrecisionBits - 1));
                ReadOnlySpan<int> weights = taps.Weights(y);
                for (int k = 0; k < weights.Length; k++)
                    AddScaled(source.AsSpan((taps.First[y] + k) * stride, stride), weights[k], sum);
                ClipAll(sum, target.AsSpan(y * stride, stride));
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(sums);
        }
    }

    static void AddScaled(ReadOnlySpan<byte> row, int weight, Span<int> sum)
    {
        int i = 0;
        if (Vector.IsHardwareAccelerated)
        {
            int step = Vector<byte>.Count, quarter = Vector<int>.Count;
            for (; i <= row.Length - step; i += step)
            {
                Vector.Widen(new Vector<byte>(row[i..]), out Vector<ushort> low, out Vector<ushort> high);
                Vector.Widen(low, out Vector<uint> a, out Vector<uint> b);
                Vector.Widen(high, out Vector<uint> c, out Vector<uint> d);
                Add(sum[i..], a, weight);
                Add(sum[(i + quarter)..], b, weight);
                Add(sum[(i + 2 * quarter)..], c, weight);
                Add(sum[(i + 3 * quarter)..], d, weight);
            }
        }
        for (; i < row.Length; i++) sum[i] += row[i] * weight;

        static void Add(Span<int> sum, Vector<uint> pixels, int weight) => (new Vector<int>(sum) + Vector.AsVectorInt32(pixels) * weight).CopyTo(sum);
    }

    static void ClipAll(ReadOnlySpan<int> sum, Span<byte> row)
    {
        for (int i = 0; i < row.Length; i++) row[i] = Clip(sum[i]);
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
