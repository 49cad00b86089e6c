using System.Text.Json;
using Osprey.Engine;
using Osprey.Engine.Images;
using Osprey.Engine.Retrieval;

namespace Osprey.Tests.Engine.Retrieval;

/// <summary>A small store whose every value follows from its image's number.</summary>
static class StoreSample
{
    public const int Dimension = 5;

    public static StoreDescription Describe(int images = 23, int partImages = 8) => new()
    {
        Embedder = JsonSerializer.SerializeToElement(new { architecture = "resnet18", stage = 4 }),
        WeightsSha256 = new string('a', 64),
        Preprocessing = "RGB, 128 px, bilinear",
        Dimension = Dimension,
        Classes = ["forest", "Häfen"],
        Root = "/data/somewhere",
        Images = images,
        ImagesSha256 = new string('b', 64),
        PartImages = partImages,
    };

    /// <summary>Every 7th image is bad.</summary>
    public static bool IsBad(long image) => image % 7 == 3;

    public static StoreRow Row(long image) => new(
        $"forest/bild {image} é.jpg", image % 2 == 0 ? "forest" : "Häfen", (int)(image % 2), 256 + (int)image, 200,
        image % 3 == 0 ? "EPSG:32632" : null, image % 3 == 0 ? new GeoBounds(image, -image, image + 0.5, 1e7) : null, image % 4 == 0 ? new PixelWindow(512 * (int)image, 0, 512, 200) : null);

    public static float[] Descriptor(long image) => [.. Enumerable.Range(0, Dimension).Select(d => (image + 1) * 0.25f - d)];

    public static void AppendNext(DescriptorStoreWriter writer) => Append(writer, writer.NextPart);

    public static void Append(DescriptorStoreWriter writer, PartRange range)
    {
        long[] images = [.. Enumerable.Range(0, range.Length).Select(i => range.First + i)];
        long[] good = [.. images.Where(i => !IsBad(i))];
        writer.Append(range, [.. good.Select(Row)], good.SelectMany(Descriptor).ToArray(), [.. images.Where(IsBad).Select(i => new BadFile($"bad {i}.jpg", "truncated"))]);
    }

    public static DescriptorStore Make(string path, StoreDescription? description = null)
    {
        using var writer = DescriptorStoreWriter.Open(path, description ?? Describe());
        while (writer.NextPart.Length > 0) AppendNext(writer);
        return writer.Finish();
    }

    public static Dictionary<string, byte[]> Files(string path) => Directory.EnumerateFiles(path).ToDictionary(f => Path.GetFileName(f), File.ReadAllBytes);
}
