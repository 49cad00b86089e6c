using SkiaSharp;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>A font of the system for words drawn into a picture.</summary>
/// <remarks>The build of Skia that needs nothing installed does not ask fontconfig, so it knows no font by itself: the usual folders are looked through.</remarks>
static class SystemFont
{
    static readonly string[] Folders = ["/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", Environment.GetFolderPath(Environment.SpecialFolder.Fonts)];

    /// <summary>In order of preference.</summary>
    static readonly string[] Files = ["DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf", "OpenSans-Regular.ttf", "Roboto-Regular.ttf", "arial.ttf", "Arial.ttf", "Helvetica.ttc"];

    /// <summary>The caller's to dispose; null where the system has none of these.</summary>
    public static SKTypeface? OpenSans()
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
        foreach (string file in Files)
            foreach (string folder in Folders.Where(Directory.Exists))
                if (Directory.EnumerateFiles(folder, file, options).Order(StringComparer.Ordinal).FirstOrDefault() is { } path && SKTypeface.FromFile(path) is { } typeface)
                    return typeface;
        return null;
    }
}
