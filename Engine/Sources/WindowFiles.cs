using System.Globalization;
using System.Text;
using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Sources;

/// <summary>What was written.</summary>
/// <param name="Written">Image files.</param>
/// <param name="Empty">Windows without data, which have none.</param>
/// <param name="BadFiles">Files and windows that could not be read; paths as the source has them.</param>
public sealed record WindowFilesResult(int Written, int Empty, IReadOnlyList<BadFile> BadFiles);

/// <summary>The windows of scenes as image files, for people and programs that want files: with world files, and a list that says what each shows.</summary>
public static class WindowFiles
{
    /// <summary>The list: one record per file, RFC 4180.</summary>
    public const string ManifestName = "tiles.csv";

    const string Header = "path,class,source,window_x,window_y,window_width,window_height,width,height,crs,min_x,min_y,max_x,max_y";

    /// <param name="source">The windows. Images that are not cut are written whole.</param>
    /// <param name="dir">A new or empty folder: <c>CLASS/SCENE_X_Y.png</c>, classes left out where there is one.</param>
    /// <param name="format">Of the files; 8-bit RGB.</param>
    /// <param name="quality">Of JPEG, 1 to 100.</param>
    /// <param name="threads">Reading and encoding threads, 1 or more.</param>
    /// <param name="progress">In windows.</param>
    /// <param name="cancellation">Looked at before every file.</param>
    /// <exception cref="ArgumentException">The folder is not empty.</exception>
    /// <exception cref="InvalidDataException">Nothing could be read.</exception>
    public static WindowFilesResult Write(
        IImageSource source, string dir, SceneFormat format, int quality, int threads, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        if (Directory.Exists(dir) && Directory.EnumerateFileSystemEntries(dir).Any()) throw new ArgumentException($"{dir} is not empty; give a new folder");
        Directory.CreateDirectory(dir);
        string extension = format == SceneFormat.Jpeg ? ".jpg" : ".png";
        string[] names = Names(source, extension);
        foreach (string folder in names.Select(n => Path.GetDirectoryName(n)!).Distinct()) Directory.CreateDirectory(Path.Combine(dir, folder));

        var list = new StringBuilder(Header).Append('\n');
        var bad = new List<BadFile>();
        int written = 0, empty = 0;
        using var prefetch = new OrderedPrefetch<(LoadedImage? Image, byte[] File, string Reason)>(source.Images.Count, 4 * threads, threads, i => Encode(source, i, format, quality), cancellation);
        for (int i = 0; i < source.Images.Count; i++)
        {
            (LoadedImage? image, byte[] file, string reason) = prefetch.Take();
            if (image is null)
            {
                bad.Add(new BadFile(source.Images[i].Identity, reason));
            }
            else if (file.Length == 0)
            {
                empty++;
            }
            else
            {
                string path = Path.Combine(dir, names[i]);
                AtomicFile.Write(path, file);
                if (image.Place?.Transform is { } map) AtomicFile.Write(Path.ChangeExtension(path, format == SceneFormat.Jpeg ? ".jgw" : ".pgw"), WorldFile(map));
                list.Append(Record(names[i], source, i, image)).Append('\n');
                written++;
            }
            progress?.Report(new Progress("cutting", i + 1, source.Images.Count, "windows", bad.Count > 0 ? $"{bad.Count} bad" : ""));
        }
        if (bad.Count == source.Images.Count) throw new InvalidDataException($"none of the {bad.Count} images can be read; the first, {bad[0].Path}: {bad[0].Reason}");
        AtomicFile.Write(Path.Combine(dir, ManifestName), list.ToString());
        return new WindowFilesResult(written, empty, bad);
    }

    static (LoadedImage? Image, byte[] File, string Reason) Encode(IImageSource source, int index, SceneFormat format, int quality)
    {
        try
        {
            LoadedImage image = source.Load(index);
            return (image with { Image = null }, image.Image is { } pixels ? SceneSynthesis.Encode(pixels, format, quality) : [], "");
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return (null, [], e.Message);
        }
    }

    /// <summary>Below the folder, each once.</summary>
    static string[] Names(IImageSource source, string extension)
    {
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        return [.. source.Images.Select(image =>
        {
            string folder = source.Classes.Count > 1 ? source.Classes[image.Label].Replace('/', Path.DirectorySeparatorChar) : "";
            string at = image.Window is { } w ? string.Create(CultureInfo.InvariantCulture, $"_{w.X}_{w.Y}") : "";
            string stem = Path.Combine(folder, Path.GetFileNameWithoutExtension(image.Path) + at), name = stem + extension;
            // Files of one name in several folders, or with several extensions.
            for (int n = 2; !taken.Add(name); n++) name = $"{stem}-{n}{extension}";
            return name;
        })];
    }

    static string Record(string name, IImageSource source, int index, LoadedImage image)
    {
        SourceImage from = source.Images[index];
        string window = from.Window is { } w ? string.Create(CultureInfo.InvariantCulture, $"{w.X},{w.Y},{w.Width},{w.Height}") : ",,,";
        string bounds = image.Bounds is { } b ? string.Join(',', new[] { b.MinX, b.MinY, b.MaxX, b.MaxY }.Select(Number)) : ",,,";
        return string.Create(CultureInfo.InvariantCulture,
            $"{Csv.Cell(name.Replace(Path.DirectorySeparatorChar, '/'))},{Csv.Cell(source.Classes[from.Label])},{Csv.Cell(from.Path)},{window},{image.Width},{image.Height},{Csv.Cell(image.Place?.Crs ?? "")},{bounds}");
    }

    /// <summary>ESRI's world file, in which the origin is the centre of the first pixel.</summary>
    static string WorldFile(GeoTransform map)
    {
        (double x, double y) = map.At(0.5, 0.5);
        return string.Concat(new[] { map.ColumnX, map.ColumnY, map.RowX, map.RowY, x, y }.Select(v => Number(v) + "\n"));
    }

    static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
