namespace Osprey.Engine.Datasets;

public enum SceneFormat
{
    Jpeg,
    Png,
}

/// <summary>What <see cref="SceneSynthesis"/> writes. Kept as <c>synthesis.json</c> beside the images.</summary>
public sealed record SynthesisConfig
{
    public long Seed { get; init; } = 1;

    public IReadOnlyList<SceneClass> Classes { get; init; } = Enum.GetValues<SceneClass>();

    /// <summary>1 to 1,000,000. The first images of a larger set are those of a smaller one.</summary>
    public int ImagesPerClass { get; init; } = 100;

    /// <summary>Side of the square images, pixels, 16 to 2048.</summary>
    public int Size { get; init; } = 128;

    /// <summary>Share of each class seen obliquely, 0…1; the others are seen from straight above.</summary>
    public double ObliqueFraction { get; init; } = 0.5;

    public SceneFormat Format { get; init; } = SceneFormat.Jpeg;

    /// <summary>1 to 100; read for JPEG only.</summary>
    public int JpegQuality { get; init; } = 90;

    /// <summary>Whether image <paramref name="index"/> of a class is oblique: the share is met after every image, within one.</summary>
    public bool IsOblique(int index) => Math.Floor((index + 1) * ObliqueFraction) > Math.Floor(index * ObliqueFraction);

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public SynthesisConfig Validate()
    {
        if (ImagesPerClass is < 1 or > 1_000_000) throw new ArgumentException($"{ImagesPerClass} images per class were asked for; give 1 to 1000000");
        if (Size is < 16 or > 2048) throw new ArgumentException($"the size is {Size} px; give 16 to 2048");
        if (!(ObliqueFraction >= 0 && ObliqueFraction <= 1)) throw new ArgumentException($"the oblique fraction is {ObliqueFraction}; give 0 to 1");
        if (JpegQuality is < 1 or > 100) throw new ArgumentException($"the JPEG quality is {JpegQuality}; give 1 to 100");
        if (Classes.Count == 0 || Classes.Distinct().Count() != Classes.Count) throw new ArgumentException("name each class to draw once, and at least one");
        return this;
    }
}
