using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
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
    /// <exception cref="InvalidDataException">The image is so high that the step between is above 2³¹ bytes.</exception>
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
        if (intermediate > Array.MaxLength) throw new InvalidDataException($"the image has {image.Width}×{image.Height} pixels and is too high to be resized to {width}×{height}: the step between takes {intermediate} bytes, at most {Array.MaxLength} are held; cut it, or take a smaller size");
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
        int stride = 3 * width, size = taps.Count, distance = stride + Slack;
        byte[] rented = ArrayPool<byte>.Shared.Rent(Lines * distance);
        try
        {
            for (int y = 0; y < height; y += Lines)
            {
                int lines = Math.Min(Lines, height - y);
                for (int line = 0; line < lines; line++) source.AsSpan((y + line) * stride, stride).CopyTo(rented.AsSpan(line * distance));
                Quad(ref rented[0], distance, taps, ref target[3 * y * size], lines);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
        return target;
    }

    /// <summary>Rows that are narrowed at once, so that weights are loaded for four.</summary>
    const int Lines = 4;

    /// <summary>Bytes behind a row that may be read: of two pixels of three bytes a whole vector is loaded, the second perhaps past the last with a weight of 0.</summary>
    const int Slack = 16;

    /// <summary>Four rows <paramref name="distance"/> bytes apart to the first <paramref name="lines"/> rows of the target.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Quad(ref byte rows, int distance, Taps taps, ref byte target, int lines)
    {
        int stride = 3 * taps.Count;
        ref byte second = ref Unsafe.Add(ref rows, distance), third = ref Unsafe.Add(ref second, distance), fourth = ref Unsafe.Add(ref third, distance);
        for (int x = 0; x < taps.Count; x++)
        {
            ref int weights = ref taps.Padded(x, out int length);
            nuint at = 3 * (nuint)taps.First[x];
            Vector256<int> a = Vector256.Create(Vector128.Create(1 << (PrecisionBits - 1)), default), b = a, c = a, d = a;
            for (int k = 0; k < length; k += 2, at += 6)
            {
                var weight = Vector256.Create(Vector128.Create(Unsafe.Add(ref weights, k)), Vector128.Create(Unsafe.Add(ref weights, k + 1)));
                a += Pair(ref rows, at) * weight;
                b += Pair(ref second, at) * weight;
                c += Pair(ref third, at) * weight;
                d += Pair(ref fourth, at) * weight;
            }
            bool last = x == taps.Count - 1;
            ref byte output = ref Unsafe.Add(ref target, 3 * x);
            Write(a, ref output, last);
            if (lines > 1) Write(b, ref Unsafe.Add(ref output, stride), last);
            if (lines > 2) Write(c, ref Unsafe.Add(ref output, 2 * stride), last);
            if (lines > 3) Write(d, ref Unsafe.Add(ref output, 3 * stride), last);
        }
    }

    /// <summary>A pixel and its neighbour, three bytes each, as integers: red, green, blue and 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<int> Pair(ref byte row, nuint at)
    {
        Vector128<byte> pixels = Vector128.LoadUnsafe(ref row, at);
        // The order stands here and not in a variable, so that the compiler sees that no byte changes its half.
        return Vector256.Shuffle(Vector256.Create(pixels, pixels), Vector256.Create(
            (byte)0, 255, 255, 255, 1, 255, 255, 255, 2, 255, 255, 255, 255, 255, 255, 255, 19, 255, 255, 255, 20, 255, 255, 255, 21, 255, 255, 255, 255, 255, 255, 255)).AsInt32();
    }

    /// <summary>The pixel of two halves' sums. Four bytes are written for the three meant, the last of them again with the next pixel; of the last one no more than three.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Write(Vector256<int> sums, ref byte output, bool last)
    {
        Vector128<int> clipped = Vector128.Min((sums.GetLower() + sums.GetUpper()) >> PrecisionBits, Vector128.Create(255));
        uint pixel = Vector128.Shuffle(clipped.AsByte(), Vector128.Create((byte)0, 4, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255)).AsUInt32().ToScalar();
        if (!last)
        {
            Unsafe.WriteUnaligned(ref output, pixel);
            return;
        }
        Unsafe.WriteUnaligned(ref output, (ushort)pixel);
        Unsafe.Add(ref output, 2) = (byte)(pixel >> 16);
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
            // One more than can be asked for: an even number.
            width = (int)Math.Ceiling(spread) * 2 + 2;
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

        /// <summary>The weights of an output pixel, an even number: where it has an odd number of input pixels, a 0 follows.</summary>
        public ref int Padded(int x, out int length)
        {
            length = (this.length[x] + 1) & ~1;
            return ref weights[x * width];
        }

        public ReadOnlySpan<int> Weights(int x) => weights.AsSpan(x * width, length[x]);
    }
}
