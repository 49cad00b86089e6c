using System.CommandLine;
using Osprey.Engine.Model;

namespace Osprey.Tool.Hosting;

/// <summary>The scales of a multi-scale descriptor, for every verb that opens a model and describes images with it.</summary>
sealed class ScaleFlag
{
    readonly Option<double[]?> scales = Flag.Numbers(
        "--scales", $"Describe each image at several sizes, relative to its own, above 0, to {ScaleSet.Largest}, and join them to one descriptor; 1 alone for one size. Default: the run's own.", 0, ScaleSet.Largest, "S");

    public void AddTo(Command command) => command.Add(scales);

    /// <summary>Null where the flag is not given.</summary>
    /// <exception cref="ArgumentException">A scale is 0 or given twice.</exception>
    public ScaleSet? Bind(ParseResult arguments) => arguments.GetValue(scales) is { Length: > 0 } given ? new ScaleSet(given) : null;
}
