using System.Text.Json.Serialization;

namespace Osprey.Interop.Formats;

public enum WeightsFormat
{
    [JsonStringEnumMemberName("safetensors")]
    SafeTensors,

    /// <summary>PyTorch's zip archive, since 1.6.</summary>
    [JsonStringEnumMemberName("pytorch")]
    PyTorch,

    /// <summary>PyTorch's row of pickles with raw storages behind, before 1.6.</summary>
    [JsonStringEnumMemberName("pytorch_legacy")]
    PyTorchLegacy,
}
