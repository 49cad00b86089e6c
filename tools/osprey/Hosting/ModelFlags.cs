using Osprey.Engine.Model;
using Osprey.Kernels.Pooling;

namespace Osprey.Tool.Hosting;

/// <summary>The flags of <see cref="EmbedderConfig"/>; the descriptor's size is training's (<c>--dim</c>).</summary>
static class ModelFlags
{
    static readonly EmbedderConfig Default = new();

    public static FlagSet<EmbedderConfig> Create() => new FlagSet<EmbedderConfig>()
        .Add(nameof(EmbedderConfig.Architecture), Flag.Choice<Architecture>("--backbone", $"Network, as torchvision names it. Default {Flag.NameOf(Default.Architecture)}, or what --weights holds."), (c, v) => c with { Architecture = v })
        .Add(nameof(EmbedderConfig.Stage), Flag.Whole<int>("--stage", $"Last stage of a ResNet that is kept: 2, 3 or 4. Default {Default.Stage}, or what --weights holds.", 2, 4), (c, v) => c with { Stage = v })
        .Add(nameof(EmbedderConfig.Pooling), Flag.Choice<PoolingKind>("--pool", $"How a feature map becomes a vector. Default {Flag.NameOf(Default.Pooling)}."), (c, v) => c with { Pooling = v })
        .Add(nameof(EmbedderConfig.Power), Flag.Number("--power", $"GeM's exponent p, 0.01 to 100. Default {Default.Power}."), (c, v) => c with { Power = v })
        .Add(nameof(EmbedderConfig.LearnedPower), Flag.Switch("--learn-power", "Let GeM's exponent be learned, within 0.01 to 100."), c => c with { LearnedPower = true })
        .Add(nameof(EmbedderConfig.ImageSize), Flag.Whole<int>("--size", $"Side of the square that every image is resized to, pixels, 16 to 8192. Default {Default.ImageSize}.", 16, 8192, value: "PX"), (c, v) => c with { ImageSize = v });
}
