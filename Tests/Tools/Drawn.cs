using SkiaSharp;

namespace Osprey.Tests.Tools;

/// <summary>Small pictures that a test can tell apart and a network can learn at once.</summary>
static class Drawn
{
    /// <summary>Writes class-0/0.png …: each class a colour with noise of its own.</summary>
    public static void Files(string dir, int classes, int perClass, int size = 32)
    {
        for (int c = 0; c < classes; c++)
        {
            string folder = Directory.CreateDirectory(Path.Combine(dir, $"class-{c}")).FullName;
            for (int i = 0; i < perClass; i++) File.WriteAllBytes(Path.Combine(folder, $"{i}.png"), Png(c, i, size));
        }
    }

    public static byte[] Png(int @class, int number, int size)
    {
        var random = new Random(@class * 1000 + number);
        using var bitmap = new SKBitmap(size, size, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (int y = 0; y < size; y++)
        {
            for (int x = 0; x < size; x++)
            {
                byte Value(int channel) => (byte)Math.Clamp((@class % 3 == channel ? 170 : 70) + (x / (1 << (@class % 4)) % 2 * 30) + random.Next(-20, 21), 0, 255);
                bitmap.SetPixel(x, y, new SKColor(Value(0), Value(1), Value(2)));
            }
        }
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
