namespace Osprey.Engine.Evaluation;

/// <summary>How images are divided into those that train a classifier and those that test it.</summary>
public enum SplitKind
{
    /// <summary>The same share of every class, as papers on these data sets do.</summary>
    Stratified,

    /// <summary>By lot over all images, whatever their classes: a class may have few training images, or none.</summary>
    Random,
}
