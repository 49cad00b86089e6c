namespace Osprey.Engine.Evaluation;

/// <summary>How often images of one class (row) were taken for another (column).</summary>
public sealed class ConfusionMatrix(int classes)
{
    readonly int[,] counts = new int[classes, classes];

    public int Classes => classes;

    public int this[int truth, int predicted] => counts[truth, predicted];

    public void Add(int truth, int predicted) => counts[truth, predicted]++;

    /// <summary>Images of a class that were tested.</summary>
    public int Tested(int truth)
    {
        int sum = 0;
        for (int p = 0; p < classes; p++) sum += counts[truth, p];
        return sum;
    }

    /// <summary>Share of a class's images that were recognised; NaN where none was tested.</summary>
    public double Recall(int truth) => Tested(truth) == 0 ? double.NaN : (double)counts[truth, truth] / Tested(truth);

    public int[][] ToRows() => [.. Enumerable.Range(0, classes).Select(t => Enumerable.Range(0, classes).Select(p => counts[t, p]).ToArray())];
}
