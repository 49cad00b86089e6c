using Osprey.Engine.Datasets;

namespace Osprey.Engine.Training;

/// <summary>One random look at an image: what is cut out, how it is turned, and how its colours change.</summary>
/// <param name="X">Left edge of the crop, as a share of the width.</param>
/// <param name="Y">Top edge, as a share of the height.</param>
/// <param name="Width">Share of the width, in (0, 1].</param>
/// <param name="Height">Share of the height, in (0, 1].</param>
/// <param name="Turns">Quarter turns counter-clockwise, 0 to 3, before the flips.</param>
/// <param name="FlipX">Mirror left and right.</param>
/// <param name="FlipY">Mirror top and bottom.</param>
/// <param name="Brightness">Factor; 1 changes nothing. The same holds for the next two.</param>
public readonly record struct View(
    double X, double Y, double Width, double Height, int Turns, bool FlipX, bool FlipY, double Brightness, double Contrast, double Saturation)
{
    /// <summary>The whole image as it is.</summary>
    public static View Whole { get; } = new(0, 0, 1, 1, 0, false, false, 1, 1, 1);

    /// <summary>The look that belongs to (seed, step, index in the batch), the same on every machine.</summary>
    public static View Draw(AugmentationConfig config, long seed, long step, int index)
    {
        var random = new SeededRandom(seed, Purpose.Augmentation, step, index);

        // Random resized crop: share of the area uniform, aspect log-uniform in [3/4, 4/3]. Szegedy et al. 2015.
        double area = random.Range(config.CropScale, 1);
        double aspect = Math.Exp(random.Range(Math.Log(3.0 / 4), Math.Log(4.0 / 3)));
        double width = config.CropScale < 1 ? Math.Min(1, Math.Sqrt(area * aspect)) : 1;
        double height = config.CropScale < 1 ? Math.Min(1, Math.Sqrt(area / aspect)) : 1;
        double x = random.Next() * (1 - width), y = random.Next() * (1 - height);

        int turns = random.Below(4);
        bool flipX = random.Chance(0.5), flipY = random.Chance(0.5);
        return new View(
            x, y, width, height, config.Rotate ? turns : 0, config.Flip && flipX, config.Flip && flipY,
            1 + random.Range(-config.Brightness, config.Brightness),
            1 + random.Range(-config.Contrast, config.Contrast),
            1 + random.Range(-config.Saturation, config.Saturation));
    }
}
