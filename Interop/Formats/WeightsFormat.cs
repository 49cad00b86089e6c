namespace Osprey.Interop.Formats;

public enum WeightsFormat
{
    SafeTensors,

    /// <summary>PyTorch's zip archive, since 1.6.</summary>
    PyTorch,

    /// <summary>PyTorch's row of pickles with raw storages behind, before 1.6.</summary>
    PyTorchLegacy,
}
