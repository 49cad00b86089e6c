using System.CommandLine;
using Osprey.Engine.Model;

namespace Osprey.Tool.Hosting;

/// <summary>How often, and in which sizes, a model looks at an image: for every verb that opens a model and describes images with it.</summary>
sealed class LookFlags
{
    readonly Option<double[]?> scales = Flag.Numbers(
        "--scales", $"Describe each image at several sizes, relative to its own, above 0, to {ScaleSet.Largest}, and join them to one descriptor; 1 alone for one size. Default: the run's own.", 0, ScaleSet.Largest, "S");

    readonly Option<int?> turns = Flag.Whole<int>("--turns", "Describe each image turned by right angles, too, and average: 2 (half a turn) or 4, in as many times the time; 1: as it is. Default: the run's own.", 1, 4);

    public void AddTo(Command command)
    {
        command.Add(scales);
        command.Add(turns);
    }

    /// <summary>A model's configuration with what was asked for.</summary>
    /// <exception cref="ArgumentException">A scale is 0 or given twice.</exception>
    public Func<EmbedderConfig, EmbedderConfig> Bind(ParseResult arguments)
    {
        ScaleSet? sizes = arguments.GetValue(scales) is { Length: > 0 } given ? new ScaleSet(given) : null;
        int? count = arguments.GetValue(turns);
        return config => config with { Scales = sizes ?? config.Scales, Turns = count ?? config.Turns };
    }
}
