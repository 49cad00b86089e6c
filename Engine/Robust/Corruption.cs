using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Engine.Training;

namespace Osprey.Engine.Robust;

/// <summary>One kind of corruption at one severity, of 8-bit pictures at the size that a network takes them at: pixel space, before normalisation.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Severity">0 (nothing) to <see cref="Severities"/>.</param>
public sealed record Corruption(CorruptionKind Kind, int Severity)
{
    /// <summary>The highest severity.</summary>
    public const int Severities = 3;

    /// <summary>Side of the picture that blur is given for, in pixels; at others it is in proportion, so that the scene is equally unsharp. A σ below 0.3 pixels leaves 8-bit values nearly as they are.</summary>
    const int BlurSide = 256;

    /// <summary>Brightness of the veil, of the pixel range.</summary>
    const float Airlight = 0.9f;

    static readonly ImageDecoder decoder = new();

    /// <summary>
    /// The severity in the kind's own unit: σ in pixels of a picture of 256; σ of the pixel range; the share of light that comes through; JPEG quality; the factor
    /// (brighter: its inverse); the factor; degrees clockwise.
    /// </summary>
    public double Amount => Severity == 0 ? double.NaN : Amounts(Kind)[Severity - 1];

    static double[] Amounts(CorruptionKind kind) => kind switch
    {
        CorruptionKind.GaussianBlur => [1, 2, 4],
        CorruptionKind.GaussianNoise => [0.04, 0.08, 0.16],
        CorruptionKind.Haze => [0.8, 0.6, 0.4],
        CorruptionKind.Jpeg => [50, 25, 10],
        CorruptionKind.Brightness => [0.8, 0.6, 0.4],
        CorruptionKind.Contrast => [0.7, 0.5, 0.3],
        CorruptionKind.Rotation => [90, 180, 270],
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such corruption"),
    };

    /// <exception cref="ArgumentException">The severity is out of range.</exception>
    public Corruption Validate()
    {
        if (Severity is < 0 or > Severities) throw new ArgumentException($"the severity of a corruption is {Severity}; give 0 to {Severities}");
        return this;
    }

    /// <param name="image">Any size; left as it is.</param>
    /// <param name="seed">Of noise, and of the choice between darker and brighter; the same for all severities of an image, which then differ in size alone.</param>
    /// <returns>The picture of the same size (turned, if it is not square), rounded to 8 bits; <paramref name="image"/> itself at severity 0.</returns>
    public RgbImage Apply(RgbImage image, long seed)
    {
        Validate();
        if (Severity == 0) return image;
        float amount = (float)Amount;
        var random = new SeededRandom(seed, (long)Kind);
        switch (Kind)
        {
            case CorruptionKind.GaussianBlur:
                float[] picture = Array.ConvertAll(image.Pixels, v => (float)v);
                GaussianBlur.Apply(picture, image.Width, image.Height, amount * image.Width / BlurSide);
                return new RgbImage(image.Width, image.Height, Array.ConvertAll(picture, Round));
            case CorruptionKind.GaussianNoise:
                return Each(image, v => v + 255 * amount * random.Normal());
            case CorruptionKind.Haze:
                return Each(image, v => amount * v + 255 * (1 - amount) * Airlight);
            case CorruptionKind.Jpeg:
                return decoder.Decode(SceneSynthesis.Encode(image, SceneFormat.Jpeg, (int)Amount), "a picture just encoded");
            case CorruptionKind.Brightness:
                float gain = random.Chance(0.5) ? amount : 1 / amount;
                return Each(image, v => gain * v);
            case CorruptionKind.Contrast:
                float mean = 255 * Augmentation.MeanGrey(image);
                return Each(image, v => amount * v + (1 - amount) * mean);
            default:
                return Orientation.Apply(image, Severity switch { 1 => 6, 2 => 3, _ => 8 });
        }
    }

    static RgbImage Each(RgbImage image, Func<float, float> change) => new(image.Width, image.Height, Array.ConvertAll(image.Pixels, v => Round(change(v))));

    static byte Round(float value) => (byte)(Math.Clamp(value, 0, 255) + 0.5f);
}
