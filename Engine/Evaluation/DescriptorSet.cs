namespace Osprey.Engine.Evaluation;

/// <summary>Labelled unit descriptors: what every measurement starts from.</summary>
public sealed class DescriptorSet
{
    /// <param name="values">[N, D], row after row, unit length; taken, not copied.</param>
    /// <param name="dimension">D, 1 or more.</param>
    /// <param name="labels">[N], each in 0…<paramref name="classes"/>−1.</param>
    /// <param name="classes">Number of classes, 1 or more; some may have no image.</param>
    /// <exception cref="ArgumentException">The sizes do not fit together, or a label is out of range.</exception>
    /// <exception cref="InvalidDataException">A descriptor holds a value that is not finite; the message gives its row.</exception>
    public DescriptorSet(float[] values, int dimension, int[] labels, int classes)
    {
        if (dimension < 1) throw new ArgumentException($"the dimension is {dimension}; give 1 or more");
        if (labels.Length == 0) throw new ArgumentException("there are no descriptors to evaluate");
        if (values.LongLength != (long)labels.Length * dimension)
            throw new ArgumentException($"{values.LongLength} values were given for {labels.Length} descriptors of {dimension}, which are {(long)labels.Length * dimension}");
        for (int i = 0; i < labels.Length; i++)
            if ((uint)labels[i] >= (uint)classes) throw new ArgumentException($"the label of image {i} is {labels[i]}; there are {classes} classes");
        for (int i = 0; i < values.Length; i++)
            if (!float.IsFinite(values[i])) throw new InvalidDataException($"the descriptor of image {i / dimension} holds {values[i]}; the model's weights may have diverged");
        Values = values;
        Dimension = dimension;
        Labels = labels;
        Classes = classes;
    }

    public float[] Values { get; }

    public int Dimension { get; }

    public int[] Labels { get; }

    public int Classes { get; }

    public int Count => Labels.Length;

    public ReadOnlySpan<float> Row(int i) => Values.AsSpan(i * Dimension, Dimension);

    /// <summary>Images per class.</summary>
    public int[] ClassCounts()
    {
        var counts = new int[Classes];
        foreach (int label in Labels) counts[label]++;
        return counts;
    }

    /// <summary>The rows at <paramref name="indices"/>, in that order.</summary>
    public float[] Rows(ReadOnlySpan<int> indices)
    {
        var rows = new float[(long)indices.Length * Dimension];
        for (int i = 0; i < indices.Length; i++) Row(indices[i]).CopyTo(rows.AsSpan(i * Dimension));
        return rows;
    }
}
