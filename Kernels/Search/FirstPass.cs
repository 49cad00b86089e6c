namespace Osprey.Kernels.Search;

/// <summary>How the codes of a <see cref="DeviceGallery"/> are multiplied.</summary>
enum FirstPass
{
    /// <summary>Not at all: every row is scored in fp32.</summary>
    None,

    /// <summary>In plain integer arithmetic.</summary>
    Plain,

    /// <summary>On tensor cores, sm_80 and later.</summary>
    TensorCores,
}
