namespace Osprey.Kernels.Sharing;

/// <summary>float32 values in device memory that somebody else owns and keeps until the launch that uses them has run.</summary>
/// <param name="Address">As CUDA gives it, a multiple of 4.</param>
/// <param name="Length">In values.</param>
public readonly record struct DeviceSpan(nint Address, long Length);
