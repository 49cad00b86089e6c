using System.CommandLine;
using Osprey.Engine.Model;

namespace Osprey.Tool.Hosting;

/// <summary>How often, in which sizes and how precisely a model looks at an image: for every verb that opens a model and describes images with it.</summary>
sealed class LookFlags
{
    readonly Option<double[]?> scales = Flag.Numbers(
        "--scales", $"Describe each image at several sizes, relative to its own, above 0, to {ScaleSet.Largest}, and join them to one descriptor; 1 alone for one size. Default: the run's own.", 0, ScaleSet.Largest, "S");

    readonly Option<int?> turns = Flag.Whole<int>("--turns", "Describe each image turned by right angles, too, and average: 2 (half a turn) or 4, in as many times the time; 1: as it is. Default: the run's own.", 1, 4);

    readonly Option<Precision?> precision = Flag.Choice<Precision>("--precision", "Of the backbone's convolutions; bfloat16 is about twice as fast for ResNets on processors with instructions for it, slower on others; a store has one precision: docs/kernels.md. Attacks take float32's gradient. Default: the run's own, float32.", Precision.Float32);

    public void AddTo(Command command)
    {
        command.Add(scales);
        command.Add(turns);
        command.Add(precision);
    }

    /// <summary>A model's configuration with what was asked for.</summary>
    /// <param name="arguments">Hold these flags.</param>
    /// <param name="imageSize">The verb's own flag; null where it is not given.</param>
    /// <exception cref="ArgumentException">A scale is 0 or given twice.</exception>
    public Func<EmbedderConfig, EmbedderConfig> Bind(ParseResult arguments, int? imageSize)
    {
        ScaleSet? sizes = arguments.GetValue(scales) is { Length: > 0 } given ? new ScaleSet(given) : null;
        int? count = arguments.GetValue(turns);
        Precision? convolutions = arguments.GetValue(precision);
        return config => config with { ImageSize = imageSize ?? config.ImageSize, Scales = sizes ?? config.Scales, Turns = count ?? config.Turns, Precision = convolutions ?? config.Precision };
    }
}
