namespace Osprey.Engine.Datasets;

/// <summary>The data sets of the field: the nine evaluation sets of Gominski et al. (2022, public code), EuroSAT and SF300.</summary>
public static class Catalogue
{
    const string Research = "research use; see the authors' page";

    public static IReadOnlyList<CatalogueEntry> Sets { get; } =
    [
        new()
        {
            Name = "ucm", FullName = "UC Merced Land Use", Images = 2100, Classes = 21, Content = "256×256 TIFF, RGB, 0.3 m",
            Home = "http://weegee.vision.ucmerced.edu/datasets/landuse.html", Rights = "public domain (USGS imagery)", Role = SetRole.Target,
            Layout = "UCMerced_LandUse/Images/CLASS; some files are a pixel or so smaller", Aliases = ["UC Merced", "UCMerced_LandUse", "UC Merced Land Use"],
        },
        new()
        {
            Name = "whurs19", FullName = "WHU-RS19", Images = 1005, Classes = 19, Content = "600×600 JPEG, RGB, to 0.5 m",
            Home = "https://captain-whu.github.io/BED4RS/", Rights = Research, Role = SetRole.Target, Aliases = ["WHU-RS19", "RS19"],
        },
        new()
        {
            Name = "rsscn7", FullName = "RSSCN7", Images = 2800, Classes = 7, Content = "400×400 JPEG, RGB, four scales",
            Home = "https://github.com/palewithout/RSSCN7", Rights = Research, Role = SetRole.Target, Aliases = ["RSSCN7-master"],
            Layout = "one folder per class, a letter before its name (aGrass … gParking)",
        },
        new()
        {
            Name = "siriwhu", FullName = "SIRI-WHU, Google", Images = 2400, Classes = 12, Content = "200×200 TIFF, RGB, 2 m",
            Home = "http://www.lmars.whu.edu.cn/prof_web/zhongyanfei/e-code.html", Rights = Research, Role = SetRole.Target,
            Layout = "the archive may hold the USGS scene beside the 12 class folders: give the folder of the 12 classes",
            Aliases = ["SIRI-WHU", "Google dataset of SIRI-WHU", "12class_tif", "Google dataset of SIRI-WHU_earth_im_tiff"],
        },
        new()
        {
            Name = "aid", FullName = "AID", Images = 10000, Classes = 30, Content = "600×600 JPEG, RGB, 0.5–8 m",
            Home = "https://captain-whu.github.io/AID/", Rights = Research, Role = SetRole.Target, Aliases = ["AID_dataset", "Aerial Image Dataset"],
        },
        new()
        {
            Name = "resisc45", FullName = "NWPU-RESISC45", Images = 31500, Classes = 45, Content = "256×256 JPEG, RGB, 0.2–30 m",
            Home = "https://gcheng-nwpu.github.io/", Rights = Research, Role = SetRole.Target, Aliases = ["NWPU-RESISC45", "NWPU", "RESISC"],
        },
        new()
        {
            Name = "patternnet", FullName = "PatternNet", Images = 30400, Classes = 38, Content = "256×256 JPEG, RGB, 0.06–4.7 m",
            Home = "https://sites.google.com/view/zhouwx/dataset", Rights = Research, Role = SetRole.Target, Layout = "PatternNet/images/CLASS",
        },
        new()
        {
            Name = "rsicb256", FullName = "RSI-CB256", Images = 24747, Classes = 35, Content = "256×256 TIFF, RGB, 0.3–3 m",
            Home = "https://github.com/lehaifeng/RSI-CB", Rights = Research, Role = SetRole.Target,
            Layout = "two levels: 6 categories hold 35 class folders; the inner folders are the classes", Aliases = ["RSI-CB", "RSI-CB256"],
        },
        new()
        {
            Name = "bcs", FullName = "Brazilian Coffee Scenes", Images = 2876, Classes = 2, Content = "64×64 JPEG; green, red and near-infrared of SPOT",
            Home = "http://www.patreo.dcc.ufmg.br/2017/11/12/brazilian-coffee-scenes-dataset/", Rights = Research, Role = SetRole.Target,
            Layout = "published as five folds with labels in text files: sort the images into two class folders first",
            Aliases = ["Brazilian Coffee Scenes", "brazilian_coffee_dataset", "coffee"],
        },
        new()
        {
            Name = "eurosat", FullName = "EuroSAT RGB", Images = 27000, Classes = 10, Content = "64×64 JPEG, RGB of Sentinel-2, 10 m",
            Home = "https://github.com/phelber/EuroSAT", Rights = "MIT", Role = SetRole.Target,
            Layout = "one folder per class; the 13-band TIFF edition needs its red, green and blue named with --bands", Aliases = ["EuroSAT_RGB", "EuroSAT_MS", "2750"],
        },
        new()
        {
            Name = "sf300", FullName = "SF300", Images = 300_000, Classes = 27_000, CountsVerified = false, Content = "vertical and oblique aerial images, RGB",
            Home = "https://alegoria-project.github.io/benchmarks/", Rights = Research, Role = SetRole.Source,
            Layout = "counts unverified",
        },
    ];

    /// <summary>The set of this name or alias; case, spaces and punctuation do not matter. Null if it is not catalogued.</summary>
    public static CatalogueEntry? Find(string name)
    {
        string key = Key(name);
        return key.Length == 0 ? null : Sets.FirstOrDefault(s => Key(s.Name) == key || Key(s.FullName) == key || s.Aliases.Any(a => Key(a) == key));
    }

    /// <summary>The set that an opened folder is named after: by its own name, or by that of a folder it wraps.</summary>
    public static CatalogueEntry? Find(ImageSet set)
    {
        string[] folders = set.Root.Split('/', '\\');
        int given = Array.LastIndexOf(folders, set.Name);
        return Find(set.Name) ?? folders.Skip(Math.Max(0, given)).Select(Find).FirstOrDefault(e => e is not null);
    }

    static string Key(string name) => string.Concat(name.Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant();
}
