using System.Numerics;
using Osprey.Engine.Images;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>What lies between a scene and its picture: uneven ground, haze, light, lens, noise.</summary>
internal static class Sensor
{
    const int Tile = 256;

    /// <summary>Smooth noise that repeats, mean 0, about −1…1; the same for all scenes. The fine one has no large forms whose repetition would show.</summary>
    static readonly float[] Coarse = CreateNoise(64, 4), Fine = CreateNoise(8, 1);

    /// <summary>Mottles the bare ground, before shadows and what stands on it: no meadow and no asphalt is of one colour.</summary>
    public static void Mottle(Scene scene)
    {
        Camera camera = scene.Camera;
        SeededRandom random = scene.Random;
        float coarse = random.Range(0.03, 0.1), fine = random.Range(0.03, 0.1);
        float coarseStep = Tile / (camera.Span * random.Range(0.6, 1.4)), fineStep = coarseStep * random.Range(2.5, 4.5);
        Span<byte> pixels = scene.Pixels;
        int side = camera.Side;
        // Two pixels at a time: the picture is reduced by two afterwards.
        for (int y = 0; y < side; y += 2)
        {
            for (int x = 0; x < side; x += 2)
            {
                Vector2 g = camera.Ground(x + 1, y + 1);
                float f = 1 + coarse * Sample(Coarse, g.X * coarseStep, g.Y * coarseStep) + fine * Sample(Fine, (g.X * 0.8f + g.Y * 0.6f) * fineStep, (g.Y * 0.8f - g.X * 0.6f) * fineStep);
                for (int dy = 0; dy < 2 && y + dy < side; dy++)
                {
                    Span<byte> row = pixels.Slice(4 * ((y + dy) * side + x), 4 * Math.Min(2, side - x));
                    for (int i = 0; i < row.Length; i++)
                        if ((i & 3) != 3) row[i] = (byte)Math.Clamp((int)(row[i] * f + 0.5f), 0, 255);
                }
            }
        }
    }

    /// <summary>Reduces the drawing by a whole factor and takes the picture.</summary>
    public static RgbImage Take(Scene scene, int size)
    {
        SeededRandom random = scene.Random;
        int factor = scene.Camera.Side / size;
        float[] picture = Reduce(scene.Pixels, size, factor);
        Haze(picture, scene.Camera, size, factor, random);
        float blur = random.Chance(0.55) ? random.Range(0.15, 0.85) * Math.Clamp(size / 160f, 0.4f, 1.6f) : 0;
        if (blur > 0.1f) GaussianBlur.Apply(picture, size, size, blur);
        return Expose(picture, size, random);
    }

    static float[] Reduce(ReadOnlySpan<byte> pixels, int size, int factor)
    {
        var picture = new float[3 * size * size];
        int stride = 4 * size * factor;
        float scale = 1f / (255 * factor * factor);
        for (int y = 0; y < size; y++)
        {
            for (int x = 0; x < size; x++)
            {
                int r = 0, g = 0, b = 0;
                for (int dy = 0; dy < factor; dy++)
                {
                    ReadOnlySpan<byte> row = pixels.Slice((y * factor + dy) * stride + 4 * x * factor, 4 * factor);
                    for (int i = 0; i < row.Length; i += 4) (r, g, b) = (r + row[i], g + row[i + 1], b + row[i + 2]);
                }
                int at = 3 * (y * size + x);
                (picture[at], picture[at + 1], picture[at + 2]) = (r * scale, g * scale, b * scale);
            }
        }
        return picture;
    }

    static void Haze(float[] picture, Camera camera, int size, int factor, SeededRandom random)
    {
        float density = random.Chance(0.25) ? random.Range(0.1, 0.32) : random.Range(0, 0.09);
        Tone veil = Tone.Hsv(random.Chance(0.7) ? random.Range(200, 225) : random.Range(25, 45), random.Range(0.02, 0.14), random.Range(0.72, 0.92));
        for (int y = 0; y < size; y++)
        {
            Vector2 ground = camera.Ground(size * factor / 2f, (y + 0.5f) * factor);
            float far = Vector3.Distance(new(ground, 0), camera.Position) / camera.Distance;
            float share = 1 - MathF.Exp(-density * far * far);
            for (int at = 3 * y * size; at < 3 * (y + 1) * size; at += 3)
            {
                picture[at] += (veil.R - picture[at]) * share;
                picture[at + 1] += (veil.G - picture[at + 1]) * share;
                picture[at + 2] += (veil.B - picture[at + 2]) * share;
            }
        }
    }

    static RgbImage Expose(float[] picture, int size, SeededRandom random)
    {
        float target = random.Range(0.32, 0.54), gamma = random.Range(0.82, 1.18), contrast = random.Range(0.88, 1.32);
        // The camera meters the scene, not quite to the same grey.
        float exposure = Math.Clamp(MathF.Pow(target / Math.Max(0.02f, picture.Average()), 0.8f), 0.5f, 2.6f);
        float saturation = random.Chance(0.07) ? 0 : random.Range(0.65, 1.3);
        ReadOnlySpan<float> gain = [random.Range(0.9, 1.1), random.Range(0.95, 1.05), random.Range(0.88, 1.12)];
        float noise = random.Chance(0.7) ? random.Range(0.004, 0.028) : 0, vignette = random.Range(0, 0.22);
        var curve = new float[1025];
        for (int i = 0; i <= 1024; i++) curve[i] = MathF.Pow(i / 1024f, gamma);

        var bytes = new byte[3 * size * size];
        for (int y = 0; y < size; y++)
        {
            for (int x = 0; x < size; x++)
            {
                int at = 3 * (y * size + x);
                float dx = 2f * (x + 0.5f) / size - 1, dy = 2f * (y + 0.5f) / size - 1, light = exposure * (1 - vignette * (dx * dx + dy * dy) / 2);
                float grey = 0.3f * picture[at] + 0.59f * picture[at + 1] + 0.11f * picture[at + 2];
                // The sum of four uniforms from one draw, close enough to normal for a sensor.
                ulong bits = noise > 0 ? random.NextBits() : 0;
                float grain = noise * (((bits & 0xffff) + ((bits >> 16) & 0xffff) + ((bits >> 32) & 0xffff) + (bits >> 48)) / 65536f - 2) * 1.73f;
                for (int c = 0; c < 3; c++)
                {
                    float value = (grey + (picture[at + c] - grey) * saturation) * gain[c] * light;
                    value = curve[(int)(Math.Clamp(value, 0, 1) * 1024)];
                    value = 0.45f + (value - 0.45f) * contrast + grain;
                    bytes[at + c] = (byte)Math.Clamp((int)(value * 255 + 0.5f), 0, 255);
                }
            }
        }
        return new RgbImage(size, size, bytes);
    }

    static float Sample(float[] noise, float x, float y)
    {
        float fx = MathF.Floor(x), fy = MathF.Floor(y), u = x - fx, v = y - fy;
        int x0 = (int)fx & (Tile - 1), y0 = (int)fy & (Tile - 1), x1 = (x0 + 1) & (Tile - 1), y1 = (y0 + 1) & (Tile - 1);
        float top = noise[y0 * Tile + x0] * (1 - u) + noise[y0 * Tile + x1] * u, bottom = noise[y1 * Tile + x0] * (1 - u) + noise[y1 * Tile + x1] * u;
        return top * (1 - v) + bottom * v;
    }

    /// <summary>Octaves of value noise on a torus, cells from the largest to the smallest.</summary>
    static float[] CreateNoise(int largest, int smallest)
    {
        var random = new SeededRandom(20210226);
        var noise = new float[Tile * Tile];
        float weight = 0.5f;
        for (int cell = largest; cell >= smallest; cell /= 2, weight *= 0.75f)
        {
            int n = Tile / cell;
            float[] lattice = [.. Enumerable.Range(0, n * n).Select(_ => random.Range(-1, 1))];
            for (int y = 0; y < Tile; y++)
            {
                for (int x = 0; x < Tile; x++)
                {
                    float u = Smooth(x % cell / (float)cell), v = Smooth(y % cell / (float)cell);
                    int x0 = x / cell, y0 = y / cell, x1 = (x0 + 1) % n, y1 = (y0 + 1) % n;
                    float top = lattice[y0 * n + x0] * (1 - u) + lattice[y0 * n + x1] * u, bottom = lattice[y1 * n + x0] * (1 - u) + lattice[y1 * n + x1] * u;
                    noise[y * Tile + x] += weight * (top * (1 - v) + bottom * v);
                }
            }
        }
        return noise;
    }

    static float Smooth(float t) => t * t * (3 - 2 * t);
}
