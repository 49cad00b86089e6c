namespace Osprey.Engine.Robust;

/// <summary>What befalls pictures without an adversary. After Hendrycks and Dietterich 2019, chosen and scaled for images from above.</summary>
public enum CorruptionKind
{
    /// <summary>Gaussian blur: defocus, motion of the platform averaged, a coarser sensor.</summary>
    GaussianBlur,

    /// <summary>Independent normal noise on every value.</summary>
    GaussianNoise,

    /// <summary>A bright veil of even density, by Koschmieder's law.</summary>
    Haze,

    /// <summary>Compression.</summary>
    Jpeg,

    /// <summary>Illumination: darker or brighter by one factor.</summary>
    Brightness,

    /// <summary>Illumination: drawn together about the picture's mean grey, as without direct sun.</summary>
    Contrast,

    /// <summary>Quarter turns: an image from above has no up.</summary>
    Rotation,
}
