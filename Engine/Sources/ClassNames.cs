using System.Globalization;

namespace Osprey.Engine.Sources;

/// <summary>The classes of images that each say what they are, as they are met.</summary>
sealed class ClassNames
{
    readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal);

    /// <summary>The class's number until all are known.</summary>
    public int Add(string name)
    {
        if (!numbers.TryGetValue(name, out int number)) numbers.Add(name, number = numbers.Count);
        return number;
    }

    /// <summary>As <see cref="Order(out int[])"/>.</summary>
    /// <param name="images">Labelled by <see cref="Add"/>; from here on by these.</param>
    public string[] Order(SourceImageList images)
    {
        string[] classes = Order(out int[] labels);
        images.Relabel(labels);
        return classes;
    }

    /// <summary>The different names, by value where all are whole numbers and else in ordinal order.</summary>
    /// <param name="labels">What becomes of each number of <see cref="Add"/>.</param>
    public string[] Order(out int[] labels)
    {
        string[] classes = [.. numbers.Keys.Order(StringComparer.Ordinal)];
        if (classes.All(c => IsNumber(c, out _))) classes = [.. classes.OrderBy(c => IsNumber(c, out long value) ? value : 0)];
        labels = new int[classes.Length];
        for (int i = 0; i < classes.Length; i++) labels[numbers[classes[i]]] = i;
        return classes;
    }

    static bool IsNumber(string text, out long value) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
}
