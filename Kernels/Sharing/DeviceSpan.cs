namespace Osprey.Kernels.Sharing;

/// <summary>Values in device memory that somebody else owns and keeps until the launch that uses them has run.</summary>
/// <param name="Address">As CUDA gives it, a multiple of a value's size; whatever it is where there are no values.</param>
/// <param name="Length">In values.</param>
public readonly record struct DeviceSpan<T>(nint Address, long Length)
    where T : unmanaged;
