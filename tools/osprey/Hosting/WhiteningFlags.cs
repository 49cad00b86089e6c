using Osprey.Engine.Training;

namespace Osprey.Tool.Hosting;

/// <summary>The flags of <see cref="WhiteningConfig"/>.</summary>
static class WhiteningFlags
{
    static readonly WhiteningConfig Default = new();

    public static FlagSet<WhiteningConfig> Create() => new FlagSet<WhiteningConfig>()
        .Add(nameof(WhiteningConfig.Method), Flag.Choice<WhiteningMethod>("--method", $"pca: principal components of equal variance, no labels (Jégou and Chum 2012); learned: images of one class match (Radenović et al. 2018). Default {Flag.NameOf(Default.Method)}."), (c, v) => c with { Method = v })
        .Add(nameof(WhiteningConfig.Size), Flag.Whole<int>("--dim", "Size D of the whitened descriptor, 1 to that of the model's. Default: the model's.", 1, 65536, value: "D"), (c, v) => c with { Size = v })
        .Add(nameof(WhiteningConfig.Shrinkage), Flag.Number("--shrinkage", "Share by which the covariance is drawn towards a multiple of the identity, 0 to 1. Default: estimated from the descriptors (Ledoit and Wolf 2004); few images get more.", 0, 1), (c, v) => c with { Shrinkage = v });
}
