namespace Osprey.Kernels.Pooling;

/// <summary>
/// Pools every channel of a feature map to one value, and back. A NaN in a plane makes its pooled value NaN. The result of a call is the
/// same for any number of host threads. One call at a time per instance; spans of one call must not overlap.
/// </summary>
public sealed class PoolingKernel : IDisposable
{
    /// <summary>GeM takes smaller activations for this, and their gradient is 0. Radenović et al. 2018.</summary>
    public const float Floor = 1e-6f;

    /// <summary>The smallest power of GeM, which hardly differs from the geometric mean. Its inverse is a power that must be raised to.</summary>
    public const float SmallestPower = 0.01f;

    /// <summary>The largest power of GeM, which hardly differs from the maximum.</summary>
    public const float LargestPower = 100;

    readonly PoolingKind kind;
    readonly HostPooling? host;
    readonly CudaPooling? cuda;

    public PoolingKernel(Device device, PoolingKind kind)
    {
        if (!Enum.IsDefined(kind)) throw new ArgumentException($"unknown pooling {kind}; give {string.Join(", ", Enum.GetNames<PoolingKind>())}");
        this.kind = kind;
        if (device.Accelerator is { } accelerator) cuda = new CudaPooling(accelerator, kind);
        else host = new HostPooling(kind, device.Threads);
    }

    /// <summary>
    /// Effectively pooled[n,c] = (mean max(x, 1e-6)^p)^(1/p) for GeM, mean x for SPoC, max x for MAC, over the plane x = map[n,c].
    /// GeM's sum is scaled so that no power of a finite activation overflows, but for p = 3, where x³ is taken as it is: the cubes of a plane must add up
    /// to less than 3.4e38, so that h·w equal activations may reach 6.9e12/∛(h·w).
    /// </summary>
    /// <param name="map">[N,C,h,w].</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="power">p in [0.01, 100]; read for GeM only.</param>
    /// <param name="pooled">[N,C], written.</param>
    /// <exception cref="ArgumentException">A span's length is not the shape's, or the power is out of range.</exception>
    public void Forward(ReadOnlySpan<float> map, MapShape shape, float power, Span<float> pooled)
    {
        Check(nameof(map), map.Length, shape.Length, shape);
        Check(nameof(pooled), pooled.Length, shape.Rows, shape);
        CheckPower(power);
        if (shape.Length == 0) return;
        if (cuda is not null) cuda.Forward(map, shape, power, pooled);
        else host!.Forward(map, shape, power, pooled);
    }

    /// <summary>
    /// The gradients of a loss L with respect to the map and to GeM's power, from that with respect to the pooled values.
    /// GeM: ∂y/∂x = (x/y)^(p−1)/(h·w), 0 where x &lt; 1e-6, and ∂y/∂p = (y/p)·mean((x/y)^p·ln(x/y)). MAC gives all of it to the first maximum of the
    /// plane, as PyTorch's max-pool does (its amax shares it among equals).
    /// </summary>
    /// <param name="map">[N,C,h,w], as given to the forward pass.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="power">The power given to the forward pass.</param>
    /// <param name="pooled">[N,C], the forward pass's result.</param>
    /// <param name="gradPooled">[N,C]: ∂L/∂pooled.</param>
    /// <param name="gradMap">[N,C,h,w], written: ∂L/∂map.</param>
    /// <param name="powerGradient">False leaves out ∂L/∂p, which costs a logarithm per activation.</param>
    /// <returns>∂L/∂p; 0 unless GeM, and 0 where it was not asked for.</returns>
    /// <exception cref="ArgumentException">A span's length is not the shape's, or the power is out of range.</exception>
    public float Backward(
        ReadOnlySpan<float> map, MapShape shape, float power, ReadOnlySpan<float> pooled, ReadOnlySpan<float> gradPooled, Span<float> gradMap, bool powerGradient = true)
    {
        Check(nameof(map), map.Length, shape.Length, shape);
        Check(nameof(pooled), pooled.Length, shape.Rows, shape);
        Check(nameof(gradPooled), gradPooled.Length, shape.Rows, shape);
        Check(nameof(gradMap), gradMap.Length, shape.Length, shape);
        CheckPower(power);
        if (shape.Length == 0) return 0;
        powerGradient &= kind == PoolingKind.Gem;
        return cuda is not null
            ? cuda.Backward(map, shape, power, pooled, gradPooled, gradMap, powerGradient)
            : host!.Backward(map, shape, power, pooled, gradPooled, gradMap, powerGradient);
    }

    static void Check(string name, int length, int expected, MapShape shape)
    {
        if (length != expected) throw new ArgumentException($"{name} has {length} values; a map of {shape} needs {expected}", name);
    }

    void CheckPower(float power)
    {
        if (kind == PoolingKind.Gem && !(power is >= SmallestPower and <= LargestPower))
            throw new ArgumentException($"GeM's power is {power}; it must lie in [{SmallestPower}, {LargestPower}]", nameof(power));
    }

    public void Dispose() => cuda?.Dispose();
}
