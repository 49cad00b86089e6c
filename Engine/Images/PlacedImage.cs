namespace Osprey.Engine.Images;

/// <summary>A picture, and where it lies on the ground as far as its file says.</summary>
/// <param name="Image">All of the file.</param>
/// <param name="Place">Of the picture's pixels; null where unknown.</param>
sealed record PlacedImage(RgbImage Image, GeoReference? Place = null);
