using System.Text.Json.Serialization;
using Osprey.Kernels.Pooling;

namespace Osprey.Engine.Model;

public enum Architecture
{
    Resnet18,
    Resnet34,
    Resnet50,
    Resnet101,

    /// <summary>SqueezeNet 1.1, its <c>features</c>: 512 channels, stride 16, no batch normalisation.</summary>
    [JsonStringEnumMemberName("squeezenet1_1")]
    Squeezenet,
}

/// <summary>What turns an image batch into descriptors. One record, one JSON file (<c>model.json</c>), one set of flags.</summary>
public sealed record EmbedderConfig
{
    public Architecture Architecture { get; init; } = Architecture.Resnet18;

    /// <summary>The last ResNet stage kept, 2, 3 or 4. SqueezeNet has no stages and takes 4.</summary>
    public int Stage { get; init; } = 4;

    public PoolingKind Pooling { get; init; } = PoolingKind.Gem;

    /// <summary>GeM's exponent, or its start where <see cref="LearnedPower"/>. In [0.01, 100], where training keeps it.</summary>
    public double Power { get; init; } = 3;

    public bool LearnedPower { get; init; }

    /// <summary>Whitened descriptor size D, or null for the pooled channels themselves (the ImageNet baseline).</summary>
    public int? DescriptorSize { get; init; }

    /// <summary>Size D of the descriptor after a whitening that was fitted once training was over, or null where there is none. Up to the size before it.</summary>
    public int? WhitenedSize { get; init; }

    /// <summary>Sizes, relative to <see cref="ImageSize"/>, at which an image is described, or null for its own size alone, which is what {1} becomes.</summary>
    public ScaleSet? Scales { get; init => field = ScaleSet.Single.Equals(value) ? null : value; }

    /// <summary>Turns of an image, evenly round, over whose descriptors its own is averaged (at each of the <see cref="Scales"/>): 2 or 4, or null for the image as it is, which is what 1 becomes.</summary>
    public int? Turns { get; init => field = value == 1 ? null : value; }

    /// <summary>Of the backbone when it describes images (<see cref="Embedder.Embed(ReadOnlySpan{float}, int, int, Span{float})"/>), or null for float32.</summary>
    public Precision? Precision { get; init => field = value == Model.Precision.Float32 ? null : value; }

    /// <summary>Side of the square every image is resized to, in pixels, 16 or more.</summary>
    public int ImageSize { get; init; } = 256;

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public EmbedderConfig Validate()
    {
        if (Stage is < 2 or > 4) throw new ArgumentException($"stage is {Stage}; give 2, 3 or 4");
        if (Architecture == Architecture.Squeezenet && Stage != 4) throw new ArgumentException($"squeezenet1_1 has no stages; stage is {Stage}, leave it at 4");
        if (!((float)Power is >= PoolingKernel.SmallestPower and <= PoolingKernel.LargestPower))
            throw new ArgumentException($"GeM's power is {Power}; give a number in [{PoolingKernel.SmallestPower}, {PoolingKernel.LargestPower}]");
        if (DescriptorSize is < 1 or > 65536) throw new ArgumentException($"the descriptor size is {DescriptorSize}; give 1 to 65536");
        if (WhitenedSize is < 1 or > 65536) throw new ArgumentException($"the whitened size is {WhitenedSize}; give 1 to 65536");
        if (ImageSize is < 16 or > 8192) throw new ArgumentException($"the image size is {ImageSize} px; give 16 to 8192");
        if (Scales is { } scales && MultiScale.Side(ImageSize, scales.Min()) < MultiScale.SmallestSide)
            throw new ArgumentException($"at scale {scales.Min()} an image of {ImageSize} px has {MultiScale.Side(ImageSize, scales.Min())}; give scales that leave {MultiScale.SmallestSide} px or more");
        if (Turns is { } turns && !QuarterTurns.IsCount(turns)) throw new ArgumentException($"an image's turns are {turns}; give 1, 2 or 4");
        if (LearnedPower && Pooling != PoolingKind.Gem) throw new ArgumentException($"{Pooling} pooling has no power to learn; use gem");
        return this;
    }
}
