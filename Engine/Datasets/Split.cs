using System.Text;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Datasets;

/// <summary>A division of one set's images into a training and a test part. Indices into <see cref="ImageSet.Images"/>, ascending.</summary>
public sealed record Split
{
    const string TrainPart = "train", TestPart = "test";

    public required int[] Train { get; init; }

    public required int[] Test { get; init; }

    /// <summary>The seed it was drawn with; null for one that was read from files.</summary>
    public long? Seed { get; init; }

    /// <summary>Divides each class alike: ⌊n·fraction + ½⌋ of its n images train, but at least one on each side where n ≥ 2; a single image trains.</summary>
    /// <remarks>
    /// Each class is shuffled (Fisher–Yates over its images in index order) by SplitMix64 seeded with (seed, class), so the result is
    /// the same on every machine and a class's division does not change with the classes around it.
    /// </remarks>
    /// <param name="labels">The class of each image, 0 or more.</param>
    /// <param name="trainFraction">In (0, 1).</param>
    /// <param name="seed">Any number.</param>
    /// <param name="groups">
    /// Images with the same number, such as exact duplicates (<see cref="ContentHash.Groups"/>), stay on one side: where a group
    /// spans classes its first class decides, and the shares are met as nearly as whole groups allow. Null: every image by itself.
    /// </param>
    /// <exception cref="ArgumentException">No images, or a fraction that leaves a part empty.</exception>
    public static Split Stratified(IReadOnlyList<int> labels, double trainFraction, long seed, IReadOnlyList<int>? groups = null)
    {
        CheckFraction(trainFraction);
        if (labels.Count == 0) throw new ArgumentException("there are no images to split");
        if (groups is not null && groups.Count != labels.Count) throw new ArgumentException($"{groups.Count} groups were given for {labels.Count} images");

        var trains = new bool[labels.Count];
        Dictionary<int, bool> decided = [];
        foreach (IGrouping<int, int> members in Enumerable.Range(0, labels.Count).GroupBy(i => labels[i]).OrderBy(g => g.Key))
        {
            int[][] units = [.. members.GroupBy(i => groups is null ? i : groups[i]).Select(g => g.ToArray())];
            new SeededRandom(seed, members.Key).Shuffle(units.AsSpan());
            units = [.. units.OrderByDescending(u => u.Length)]; // large groups first: the small ones even the shares out; the order among equals is the shuffle's
            bool Decided(int[] unit) => groups is not null && decided.ContainsKey(groups[unit[0]]);

            int total = members.Count(), target = Math.Clamp((int)Math.Floor(total * trainFraction + 0.5), 1, Math.Max(1, total - 1));
            int training = units.Where(u => Decided(u) && decided[groups![u[0]]]).Sum(u => u.Length);
            int testing = units.Where(Decided).Sum(u => u.Length) - training;
            int[][] open = [.. units.Where(u => !Decided(u))];
            for (int i = 0; i < open.Length; i++)
            {
                // A unit trains while that brings the count nearer to the target; the last chance of an empty side overrules.
                bool train = Math.Abs(training + open[i].Length - target) < Math.Abs(training - target);
                bool last = i == open.Length - 1;
                if (last && training == 0) train = true;
                else if (last && testing == 0 && training > 0) train = false;
                if (train) training += open[i].Length;
                else testing += open[i].Length;
                foreach (int image in open[i]) trains[image] = train;
                if (groups is not null) decided[groups[open[i][0]]] = train;
            }
            foreach (int[] unit in units.Where(u => groups is not null && decided.TryGetValue(groups[u[0]], out _)))
                foreach (int image in unit) trains[image] = decided[groups![unit[0]]];
        }
        return FromFlags(trains, seed);
    }

    /// <summary>Divides all images by lot, whatever their classes: ⌊n·fraction + ½⌋ of them train, but at least one on each side. A class may end up on one side only.</summary>
    /// <param name="count">n, 2 or more.</param>
    /// <param name="trainFraction">In (0, 1).</param>
    /// <param name="seed">Any number.</param>
    /// <exception cref="ArgumentException">Fewer than two images, or a fraction that leaves a part empty.</exception>
    public static Split Random(int count, double trainFraction, long seed)
    {
        CheckFraction(trainFraction);
        if (count < 2) throw new ArgumentException($"{count} images cannot be split; a part would be empty");
        int[] order = [.. Enumerable.Range(0, count)];
        new SeededRandom(seed).Shuffle(order.AsSpan());
        var trains = new bool[count];
        foreach (int image in order.AsSpan(0, Math.Clamp((int)Math.Floor(count * trainFraction + 0.5), 1, count - 1))) trains[image] = true;
        return FromFlags(trains, seed);
    }

    static void CheckFraction(double trainFraction)
    {
        if (!(trainFraction > 0 && trainFraction < 1)) throw new ArgumentException($"the training fraction is {trainFraction}; give a number between 0 and 1, such as 0.8");
    }

    /// <summary>Writes <c>path,class,part</c>, paths below the set's folder, in the set's order.</summary>
    public void Save(string path, ImageSet set)
    {
        string[] part = new string[set.Images.Count];
        foreach (int i in Train) part[i] = TrainPart;
        foreach (int i in Test) part[i] = TestPart;
        var csv = new StringBuilder(ImageList.CsvHeader).Append('\n');
        for (int i = 0; i < part.Length; i++)
        {
            if (part[i] is null) continue;
            LabelledImage image = set.Images[i];
            csv.Append(Csv.Cell(set.RelativePath(image))).Append(',').Append(Csv.Cell(set.Classes[image.Label])).Append(',').Append(part[i]).Append('\n');
        }
        AtomicFile.Write(path, csv.ToString());
    }

    /// <summary>Writes the two lists that data sets are published with: one path below the set's folder per line.</summary>
    /// <exception cref="ArgumentException">A path has a line break or ends in a space.</exception>
    public void SaveLists(string trainPath, string testPath, ImageSet set)
    {
        string List(int[] indices) => string.Concat(indices.Select(i => ImageList.Line(set.RelativePath(set.Images[i])) + "\n"));
        string train = List(Train), test = List(Test);
        AtomicFile.Write(trainPath, train);
        AtomicFile.Write(testPath, test);
    }

    /// <summary>Reads the CSV of <see cref="Save"/>, or a list of training images: the others then test.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It names an image that the set does not have, names one twice, or leaves a part empty.</exception>
    public static Split Open(string path, ImageSet set)
    {
        var index = new ImageList.PathIndex(set);
        var part = new bool?[set.Images.Count];
        bool csv = false;
        foreach ((int line, string file, string? name) in ImageList.Lines(path))
        {
            csv |= name is not null;
            if (name is not (null or TrainPart or TestPart)) throw new InvalidDataException($"{path}, line {line}: the part is {name}; train or test was expected");
            Assign(part, index.Find(file, path, line), name != TestPart, path, line, file);
        }
        if (!csv)
            for (int i = 0; i < part.Length; i++) part[i] ??= false;
        return FromParts(part, path);
    }

    /// <summary>Reads a pair of official lists.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">They name an image that the set does not have, or one twice or on both sides, or none.</exception>
    public static Split OpenLists(string trainPath, string testPath, ImageSet set)
    {
        var index = new ImageList.PathIndex(set);
        var part = new bool?[set.Images.Count];
        foreach (string path in (string[])[trainPath, testPath])
            foreach ((int line, string file, _) in ImageList.Lines(path)) Assign(part, index.Find(file, path, line), path == trainPath, path, line, file);
        return FromParts(part, $"{trainPath} and {testPath}");
    }

    static void Assign(bool?[] part, int image, bool trains, string path, int line, string file)
    {
        if (part[image] is bool known) throw new InvalidDataException($"{path}, line {line}: {file} is named again{(known == trains ? "" : ", for the other part: training images would leak into the test")}");
        part[image] = trains;
    }

    static Split FromParts(bool?[] part, string source)
    {
        var split = new Split
        {
            Train = [.. Enumerable.Range(0, part.Length).Where(i => part[i] == true)],
            Test = [.. Enumerable.Range(0, part.Length).Where(i => part[i] == false)],
        };
        if (split.Train.Length == 0 || split.Test.Length == 0)
            throw new InvalidDataException($"{source}: {split.Train.Length} training and {split.Test.Length} test images; both parts need some");
        return split;
    }

    static Split FromFlags(bool[] trains, long seed) => new()
    {
        Train = [.. Enumerable.Range(0, trains.Length).Where(i => trains[i])],
        Test = [.. Enumerable.Range(0, trains.Length).Where(i => !trains[i])],
        Seed = seed,
    };
}
