using System.Text.Json.Serialization;

namespace Osprey.Engine.Model;

/// <summary>What the backbone's convolutions compute with, for inference. Pooling, heads and descriptors are float32 either way; training and gradients too.</summary>
public enum Precision
{
    Float32,

    /// <summary>8 significant bits for weights and maps, sums in float32. About twice as fast for ResNets where the processor has instructions for it (AVX512-BF16, AMX), slower than float32 elsewhere: docs/kernels.md.</summary>
    [JsonStringEnumMemberName("bfloat16")]
    BFloat16,
}
