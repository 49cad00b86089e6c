using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Pooling;

/// <summary>GeM's powers where a kernel in somebody else's context reads them. Other kinds of pooling take the default.</summary>
/// <param name="values">One, or one per channel.</param>
/// <param name="known">
/// The same values, where the caller has them on the host: they are checked, and a power of 3 gets its own kernel. Empty where they are on the device alone, as
/// learned powers are: to look at them would be to wait for the stream. Then they must lie in
/// [<see cref="PoolingKernel.SmallestPower"/>, <see cref="PoolingKernel.LargestPower"/>] unchecked; others give results that mean nothing.
/// </param>
public readonly ref struct DevicePowers(DeviceSpan<float> values, ReadOnlySpan<float> known)
{
    public DeviceSpan<float> Values { get; } = values;

    public ReadOnlySpan<float> Known { get; } = known;
}
