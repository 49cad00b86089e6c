using System.Text.Json;
using Osprey.Engine.Datasets.Synthesis;
using Osprey.Engine.Images;
using Osprey.Interop.Formats;
using SkiaSharp;

namespace Osprey.Engine.Datasets;

/// <summary>Draws aerial scenes of 16 land uses, from above and obliquely: data to run everything on where there is none.</summary>
/// <remarks>
/// A scene is a small world in metres (ground, buildings, trees, vehicles with their heights) under one sun, seen by a pinhole camera and
/// a faulty sensor. Classes share grounds, colours, neighbourhoods and clutter; season, sun, scale, direction, haze and exposure vary; so
/// the layout tells a class, and its colour does not. Everything follows from (seed, class, index): the same bytes on machines whose
/// floating-point library and Skia build agree, in any order and on any number of threads.
/// </remarks>
public static class SceneSynthesis
{
    public const string ManifestName = "synthesis.json";

    /// <summary>Drawn at twice the size and reduced, unless that is large enough by itself.</summary>
    const int LargestDrawing = 1100;

    /// <summary>Folder of a class: <c>dense_residential</c>.</summary>
    public static string FolderOf(SceneClass sceneClass) => JsonNamingPolicy.SnakeCaseLower.ConvertName(sceneClass.ToString());

    /// <param name="sceneClass">What to draw.</param>
    /// <param name="seed">Of the set.</param>
    /// <param name="index">Which image of the class, 0 or more.</param>
    /// <param name="size">Side in pixels, 16 to 2048.</param>
    /// <param name="oblique">Seen from the side, not from straight above.</param>
    public static RgbImage Draw(SceneClass sceneClass, long seed, int index, int size, bool oblique)
    {
        if (size is < 16 or > 2048) throw new ArgumentException($"the size is {size} px; give 16 to 2048");
        if (index < 0) throw new ArgumentException($"the index is {index}; give 0 or more");
        Painter painter = Painter.Of(sceneClass);
        var random = new SeededRandom(seed, (int)sceneClass, index);
        float span = painter.Closest * MathF.Pow(painter.Farthest / painter.Closest, random.Range(0, 1));
        // Small pictures are drawn larger still, or thin things would vanish between samples.
        int factor = size <= 64 ? 4 : size * 2 <= LargestDrawing ? 2 : 1;
        var camera = new Camera(size * factor, span, oblique, random);
        using var scene = new Scene(camera, new Palette(random), new Sun(random), random);
        painter.Paint(scene);
        Sensor.Mottle(scene);
        scene.Finish();
        return Sensor.Take(scene, size);
    }

    /// <summary>
    /// Writes <c>DIR/class/00000.jpg</c> … and the manifest. Files that are there are kept, so an interrupted run continues; each is written
    /// aside and renamed.
    /// </summary>
    /// <exception cref="ArgumentException">A value of the configuration is out of its range.</exception>
    /// <exception cref="InvalidDataException">The folder holds a set of another configuration, or one that was not synthesised.</exception>
    public static void Write(string dir, SynthesisConfig config, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        config.Validate();
        Claim(dir, config);
        string extension = config.Format == SceneFormat.Jpeg ? ".jpg" : ".png";
        foreach (SceneClass sceneClass in config.Classes) Directory.CreateDirectory(Path.Combine(dir, FolderOf(sceneClass)));
        long total = (long)config.Classes.Count * config.ImagesPerClass, done = 0;
        progress?.Report(new("drawing scenes", 0, total, "images"));
        try
        {
            Parallel.For(0L, total, new ParallelOptions { CancellationToken = cancellation }, n =>
            {
                int index = (int)(n / config.Classes.Count);
                SceneClass sceneClass = config.Classes[(int)(n % config.Classes.Count)];
                string path = Path.Combine(dir, FolderOf(sceneClass), index.ToString("D5") + extension);
                if (!File.Exists(path))
                {
                    byte[] bytes = Encode(Draw(sceneClass, config.Seed, index, config.Size, config.IsOblique(index)), config.Format, config.JpegQuality);
                    AtomicFile.Write(path, bytes);
                }
                long now = Interlocked.Increment(ref done);
                if (now % 16 == 0 || now == total) progress?.Report(new("drawing scenes", now, total, "images"));
            });
        }
        catch (AggregateException e) when (e.InnerException is IOException or UnauthorizedAccessException)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException);
        }
    }

    /// <summary>Sees to it that a folder never holds images of two configurations.</summary>
    static void Claim(string dir, SynthesisConfig config)
    {
        Directory.CreateDirectory(dir);
        string manifest = Path.Combine(dir, ManifestName);
        if (File.Exists(manifest))
        {
            SynthesisConfig earlier = Json.Read<SynthesisConfig>(manifest);
            if (!Same(earlier, config))
                throw new InvalidDataException($"{dir} holds scenes of another configuration (see {ManifestName}); give another folder, or delete this one");
        }
        else if (Directory.EnumerateFileSystemEntries(dir).Any())
        {
            throw new InvalidDataException($"{dir} is not empty and holds no {ManifestName}; give a new folder");
        }
        Json.Write(manifest, config);
    }

    /// <summary>More images per class may be added to a set; the share of oblique ones does not depend on their number.</summary>
    static bool Same(SynthesisConfig a, SynthesisConfig b) =>
        a with { Classes = [], ImagesPerClass = 1 } == b with { Classes = [], ImagesPerClass = 1 } && a.Classes.SequenceEqual(b.Classes) && a.ImagesPerClass <= b.ImagesPerClass;

    internal static byte[] Encode(RgbImage image, SceneFormat format, int quality)
    {
        using SKBitmap bitmap = ToBitmap(image);
        using SKData data = bitmap.Encode(format == SceneFormat.Jpeg ? SKEncodedImageFormat.Jpeg : SKEncodedImageFormat.Png, quality);
        return data.ToArray();
    }

    internal static SKBitmap ToBitmap(RgbImage image)
    {
        var bitmap = new SKBitmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Span<byte> pixels = bitmap.GetPixelSpan();
        for (int i = 0, o = 0; i < image.Pixels.Length; i += 3, o += 4)
            (pixels[o], pixels[o + 1], pixels[o + 2], pixels[o + 3]) = (image.Pixels[i], image.Pixels[i + 1], image.Pixels[i + 2], 255);
        return bitmap;
    }
}
