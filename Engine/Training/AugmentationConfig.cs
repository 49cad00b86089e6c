namespace Osprey.Engine.Training;

/// <summary>Random changes that keep a scene's class. Aerial images have no up: flips and quarter turns are free data.</summary>
public sealed record AugmentationConfig
{
    /// <summary>Smallest share of the image's area that a random crop keeps, in (0, 1]; 1 means no crop. 0.08 is ImageNet's habit (Szegedy et al. 2015).</summary>
    public double CropScale { get; init; } = 1;

    /// <summary>Mirror left and right, and top and bottom, each with probability ½.</summary>
    public bool Flip { get; init; } = true;

    /// <summary>Turn by a random multiple of 90°.</summary>
    public bool Rotate { get; init; } = true;

    /// <summary>Multiply by a factor in [1−b, 1+b]. In [0, 1].</summary>
    public double Brightness { get; init; }

    /// <summary>Stretch about the image's mean grey by a factor in [1−c, 1+c]. In [0, 1].</summary>
    public double Contrast { get; init; }

    /// <summary>Blend with the pixel's own grey: grey + f·(rgb − grey), f in [1−s, 1+s]. In [0, 1].</summary>
    public double Saturation { get; init; }

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public AugmentationConfig Validate()
    {
        if (!(CropScale > 0 && CropScale <= 1)) throw new ArgumentException($"the crop scale is {CropScale}; give a share in (0, 1]");
        Strength(Brightness, "brightness");
        Strength(Contrast, "contrast");
        Strength(Saturation, "saturation");
        return this;
    }

    static void Strength(double value, string name)
    {
        if (!(value >= 0 && value <= 1)) throw new ArgumentException($"the {name} jitter is {value}; give 0 to 1");
    }
}
