using Osprey.Engine.Images;
using Osprey.Interop.Formats;
using SkiaSharp;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>Retrieved neighbours as a PNG: a query at the left, what one model found at the right, framed green with a tick where right, red and dashed with a cross where wrong.</summary>
public static class NeighbourSheet
{
    const int Tile = 112, Gap = 10, Frame = 5, Band = 22, QueryGap = 26, Badge = 20;

    static readonly SKColor Paper = SKColors.White, Ink = new(0x1b, 0x24, 0x30), Grey = new(0x7a, 0x86, 0x99), Right = new(0x15, 0x80, 0x3d), Wrong = new(0xc2, 0x26, 0x1c);

    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="gallery">Queries and answers.</param>
    /// <param name="model">Which of the gallery's models.</param>
    /// <param name="rows">How many of its queries, from the first; the sample drawn at random comes first.</param>
    /// <param name="decoding">How the evaluation turned files into pictures.</param>
    /// <exception cref="ArgumentException">The gallery has no such model, or no query.</exception>
    public static void Write(string path, Gallery gallery, string model, int rows, DecodeOptions decoding)
    {
        int at = gallery.Models.ToList().IndexOf(model);
        if (at < 0) throw new ArgumentException($"the gallery has no model '{model}'; it has {string.Join(", ", gallery.Models)}");
        rows = Math.Min(rows, gallery.Rows.Count);
        if (rows < 1) throw new ArgumentException($"a sheet of {rows} queries shows nothing; the gallery has {gallery.Rows.Count}");
        var decoder = new ImageDecoder(decoding);
        using SKTypeface? typeface = SystemFont.OpenSans();
        // Without a font the pictures speak for themselves, and no room is kept for names.
        int band = typeface is null ? 0 : Band;
        int width = Gap + Tile + QueryGap + Gallery.Neighbours * (Tile + Gap), height = Gap + rows * (Tile + band + Gap);
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(Paper);
            for (int r = 0; r < rows; r++)
            {
                GalleryRow row = gallery.Rows[r];
                float y = Gap + r * (Tile + band + Gap);
                Draw(canvas, decoder, row.Query, gallery.Classes[row.Query.Label], Gap, y, Grey, null, typeface);
                IReadOnlyList<GalleryNeighbour> found = row.Answers[at].Neighbours;
                for (int i = 0; i < found.Count; i++)
                    Draw(canvas, decoder, found[i].Image, gallery.Classes[found[i].Image.Label], Gap + Tile + QueryGap + i * (Tile + Gap), y, found[i].Right ? Right : Wrong, found[i].Right, typeface);
            }
        }
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        AtomicFile.Write(path, png.SaveTo);
    }

    static void Draw(SKCanvas canvas, ImageDecoder decoder, Datasets.LabelledImage image, string name, float x, float y, SKColor frame, bool? right, SKTypeface? typeface)
    {
        if (Thumbnail.Read(decoder, image, Tile - 2 * Frame) is { } pixels)
        {
            using SKBitmap picture = Thumbnail.ToBitmap(pixels);
            canvas.DrawBitmap(picture, x + Frame, y + Frame, SKSamplingOptions.Default);
        }
        using (var stroke = new SKPaint { Color = frame, Style = SKPaintStyle.Stroke, StrokeWidth = Frame, IsAntialias = true })
        using (SKPathEffect? dash = right == false ? SKPathEffect.CreateDash([12, 5], 0) : null)
        {
            stroke.PathEffect = dash;
            canvas.DrawRect(x + Frame / 2f, y + Frame / 2f, Tile - Frame, Tile - Frame, stroke);
        }
        if (right is bool hit) Mark(canvas, x + Tile - Badge, y + Tile - Badge, frame, hit);
        if (typeface is not null) Name(canvas, name, x, y + Tile + Band - 7, typeface);
    }

    /// <summary>A tick or a cross in the corner, for those who do not tell red from green.</summary>
    static void Mark(SKCanvas canvas, float x, float y, SKColor colour, bool right)
    {
        using var fill = new SKPaint { Color = colour };
        canvas.DrawRect(x, y, Badge, Badge, fill);
        using var stroke = new SKPaint { Color = Paper, Style = SKPaintStyle.Stroke, StrokeWidth = 3, IsAntialias = true };
        if (right)
        {
            canvas.DrawLine(x + 5, y + 11, x + 9, y + 15, stroke);
            canvas.DrawLine(x + 8, y + 15, x + 16, y + 5, stroke);
        }
        else
        {
            canvas.DrawLine(x + 5, y + 5, x + 15, y + 15, stroke);
            canvas.DrawLine(x + 5, y + 15, x + 15, y + 5, stroke);
        }
    }

    /// <summary>A class name, cut to the tile's width.</summary>
    static void Name(SKCanvas canvas, string name, float x, float y, SKTypeface typeface)
    {
        using var font = new SKFont(typeface, 13);
        using var paint = new SKPaint { Color = Ink, IsAntialias = true };
        string text = name;
        for (int kept = name.Length - 1; kept > 0 && font.MeasureText(text) > Tile; kept--) text = name[..kept] + "…";
        canvas.DrawText(text, x + Tile / 2f, y, SKTextAlign.Center, font, paint);
    }
}
