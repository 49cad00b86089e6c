using Osprey.Engine.Images;
using Osprey.Interop.Formats;
using SkiaSharp;

namespace Osprey.Engine.Datasets;

/// <summary>One picture of many: classes in rows, each with a label and some of its images, as a PNG.</summary>
public static class ContactSheet
{
    const int Gap = 4, Dot = 2;

    /// <summary>Freshly drawn scenes: half of each row from above, half obliquely.</summary>
    /// <param name="path">PNG to write.</param>
    /// <param name="config">Seed and classes are read; sheet samples are the set's own images.</param>
    /// <param name="columns">Images per class.</param>
    /// <param name="tile">Side of one image, pixels.</param>
    public static void Write(string path, SynthesisConfig config, int columns = 8, int tile = 128)
    {
        config.Validate();
        if (columns is < 1 or > 64) throw new ArgumentException($"{columns} columns were asked for; give 1 to 64");
        var rows = new (string, IReadOnlyList<RgbImage?>)[config.Classes.Count];
        Parallel.For(0, rows.Length, r =>
        {
            int vertical = (columns + 1) / 2;
            SceneClass sceneClass = config.Classes[r];
            RgbImage?[] images = [.. Enumerable.Range(0, columns).Select(c => SceneSynthesis.Draw(sceneClass, config.Seed, c, tile, c >= vertical))];
            rows[r] = (SceneSynthesis.FolderOf(sceneClass).Replace('_', ' '), images);
        });
        Write(path, rows, tile);
    }

    /// <summary>Any images, scaled to the tile; a null stays empty.</summary>
    public static void Write(string path, IReadOnlyList<(string Label, IReadOnlyList<RgbImage?> Images)> rows, int tile)
    {
        if (rows.Count == 0) throw new ArgumentException("a contact sheet needs a row");
        string[][] labels = [.. rows.Select(r => r.Label.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
        int label = 4 * Gap + Dot * PixelFont.Advance * labels.Max(words => words.Length == 0 ? 0 : words.Max(w => w.Length)), columns = rows.Max(r => r.Images.Count);
        var info = new SKImageInfo(label + Gap + columns * (tile + Gap), Gap + rows.Count * (tile + Gap), SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var sheet = new SKBitmap(info);
        using var canvas = new SKCanvas(sheet);
        canvas.Clear(SKColors.White);
        using var ink = new SKPaint { Color = new SKColor(40, 40, 40) };
        for (int r = 0; r < rows.Count; r++)
        {
            int y = Gap + r * (tile + Gap);
            const int Line = Dot * (PixelFont.Height + 3);
            for (int w = 0; w < labels[r].Length; w++)
            {
                int left = label - 2 * Gap - Dot * PixelFont.Advance * labels[r][w].Length, top = y + (tile - labels[r].Length * Line) / 2 + w * Line;
                foreach ((int dx, int dy) in PixelFont.Dots(labels[r][w])) canvas.DrawRect(left + dx * Dot, top + dy * Dot, Dot, Dot, ink);
            }
            for (int c = 0; c < rows[r].Images.Count; c++)
            {
                if (rows[r].Images[c] is not RgbImage image) continue;
                using SKBitmap bitmap = SceneSynthesis.ToBitmap(image);
                int x = label + Gap + c * (tile + Gap);
                using SKImage picture = SKImage.FromBitmap(bitmap);
                canvas.DrawImage(picture, new SKRect(x, y, x + tile, y + tile), new SKSamplingOptions(SKCubicResampler.Mitchell), null);
            }
        }
        using SKData data = sheet.Encode(SKEncodedImageFormat.Png, 100);
        AtomicFile.Write(path, data.ToArray());
    }
}
