using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;
using Osprey.Kernels.Normalization;

namespace Osprey.Kernels.Pooling;

/// <summary>
/// Pools every channel of a feature map to one value, and back. The map's values are float, <see cref="Half"/> or <see cref="BFloat16"/>, channels-first
/// or channels-last; sums and results are float32, gradients of the map are written in the map's type. A NaN in a plane makes its pooled value NaN; under
/// R-MAC and CroW, whose weights mix the channels, the whole image's. The result of a call is the same for any number of host threads. One call at a time
/// per instance; spans of one call must not overlap.
/// </summary>
/// <remarks>
/// Effectively, over the plane x = map[n,c]: <c>Gem</c> (mean max(x, 1e-6)^p)^(1/p), <c>Spoc</c> mean x, <c>Mac</c> max x; <c>Rmac</c> and <c>Crow</c> as
/// <see cref="PoolingKind"/> says. GeM's sum is scaled so that no power of a finite activation overflows, but for one power of 3, where x³ is taken as it
/// is: the cubes of a plane must add up to less than 3.4e38, so that h·w equal activations may reach 6.9e12/∛(h·w). CroW gives a channel of zeros weight 0,
/// and a position whose sum is not positive too.
/// </remarks>
public sealed class PoolingKernel : IDisposable
{
    /// <summary>GeM takes smaller activations for this, and their gradient is 0. Radenović et al. 2018.</summary>
    public const float Floor = 1e-6f;

    /// <summary>The smallest power of GeM, which hardly differs from the geometric mean. Its inverse is a power that must be raised to.</summary>
    public const float SmallestPower = 0.01f;

    /// <summary>The largest power of GeM, which hardly differs from the maximum.</summary>
    public const float LargestPower = 100;

    readonly PoolingKind kind;
    readonly HostRowNormalization? hostRows;
    readonly HostPooling<float>? hostFloat;
    readonly HostPooling<Half>? hostHalf;
    readonly HostPooling<BFloat16>? hostBFloat16;
    readonly CopiedPooling? cuda;
    float[] terms = [], gradRows = [];
    double[] channelSums = [];

    public PoolingKernel(Device device, PoolingKind kind)
    {
        PoolingChecks.Kind(kind);
        this.kind = kind;
        if (device.Accelerator is { } accelerator)
        {
            cuda = new CopiedPooling(accelerator, kind);
            return;
        }
        var team = new HostTeam(device.Threads);
        hostRows = new(team);
        hostFloat = new(kind, team, device.Threads);
        hostHalf = new(kind, team, device.Threads);
        hostBFloat16 = new(kind, team, device.Threads);
    }

    /// <summary>As <see cref="Forward{T}"/>, of a float32 map with one power for all channels.</summary>
    /// <param name="power">p in [0.01, 100]; read for GeM only.</param>
    public void Forward(ReadOnlySpan<float> map, MapShape shape, float power, Span<float> pooled) => Forward(map, shape, [power], pooled);

    /// <summary>Pools a map.</summary>
    /// <param name="map">[N,C,h,w] in the shape's layout.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="powers">GeM's p in [0.01, 100]: one for all channels or one per channel. The other kinds read none.</param>
    /// <param name="pooled">[N,C], written.</param>
    /// <exception cref="ArgumentException">A span's length is not the shape's, a power is out of range, or the type is not one of the three.</exception>
    public void Forward<T>(ReadOnlySpan<T> map, MapShape shape, ReadOnlySpan<float> powers, Span<float> pooled)
        where T : unmanaged
    {
        PoolingChecks.Length(nameof(map), map.Length, shape.Length, shape);
        PoolingChecks.Length(nameof(pooled), pooled.Length, shape.Rows, shape);
        CheckPowers(powers, shape);
        PoolingChecks.Type<T>();
        if (shape.Length == 0) return;
        if (cuda is not null) cuda.Forward(map, shape, powers, pooled);
        else Host<T>().Forward(map, shape, powers, pooled);
    }

    /// <summary>As <see cref="Forward{T}"/>, with the descriptors brought to unit length in the same call, as <see cref="RowNormalization"/> does it.</summary>
    /// <param name="pooled">[N,C], written: the rows before that. The backward pass wants them.</param>
    /// <param name="unit">[N,C], written: pooled/(‖pooled‖₂ + 1e-6).</param>
    /// <param name="norms">[N], written.</param>
    /// <exception cref="ArgumentException">As <see cref="Forward{T}"/>.</exception>
    public void ForwardUnit<T>(ReadOnlySpan<T> map, MapShape shape, ReadOnlySpan<float> powers, Span<float> pooled, Span<float> unit, Span<float> norms)
        where T : unmanaged
    {
        PoolingChecks.Length(nameof(map), map.Length, shape.Length, shape);
        PoolingChecks.Length(nameof(pooled), pooled.Length, shape.Rows, shape);
        PoolingChecks.UnitRows(unit.Length, norms.Length, shape);
        CheckPowers(powers, shape);
        PoolingChecks.Type<T>();
        if (shape.Length == 0) return;
        if (cuda is not null)
        {
            cuda.ForwardUnit(map, shape, powers, pooled, unit, norms);
            return;
        }
        Host<T>().Forward(map, shape, powers, pooled);
        hostRows!.Forward(pooled, shape.Batch, shape.Channels, unit, norms);
    }

    /// <summary>As <see cref="Backward{T}"/>, of a float32 map with one power for all channels.</summary>
    /// <param name="powerGradient">False leaves out ∂L/∂p, which costs a logarithm per activation.</param>
    /// <returns>∂L/∂p; 0 unless GeM, and 0 where it was not asked for.</returns>
    public float Backward(
        ReadOnlySpan<float> map, MapShape shape, float power, ReadOnlySpan<float> pooled, ReadOnlySpan<float> gradPooled, Span<float> gradMap, bool powerGradient = true)
    {
        Span<float> gradPower = [0];
        Backward(map, shape, [power], pooled, gradPooled, gradMap, powerGradient && kind == PoolingKind.Gem ? gradPower : []);
        return gradPower[0];
    }

    /// <summary>
    /// The gradients of a loss L with respect to the map and to GeM's powers, from that with respect to the pooled values, in one pass.
    /// GeM: ∂y/∂x = (x/y)^(p−1)/(h·w), 0 where x &lt; 1e-6, and ∂y/∂p = (y/p)·mean((x/y)^p·ln(x/y)). MAC gives all of it to the first maximum of the
    /// plane, as PyTorch's max-pool does (its amax shares it among equals), R-MAC to each region's first. CroW's spatial weights are differentiated, but for
    /// the root where its argument is not positive; its channel weights are counts and have no gradient.
    /// </summary>
    /// <param name="map">[N,C,h,w], as given to the forward pass.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="powers">The powers given to the forward pass.</param>
    /// <param name="pooled">[N,C], the forward pass's result.</param>
    /// <param name="gradPooled">[N,C]: ∂L/∂pooled.</param>
    /// <param name="gradMap">[N,C,h,w] in the map's layout and type, written: ∂L/∂map.</param>
    /// <param name="gradPowers">As long as <paramref name="powers"/>, written: ∂L/∂p. Empty leaves it out; GeM only.</param>
    /// <exception cref="ArgumentException">As <see cref="Forward{T}"/>.</exception>
    public void Backward<T>(
        ReadOnlySpan<T> map, MapShape shape, ReadOnlySpan<float> powers, ReadOnlySpan<float> pooled, ReadOnlySpan<float> gradPooled, Span<T> gradMap, Span<float> gradPowers)
        where T : unmanaged
    {
        PoolingChecks.Length(nameof(gradPooled), gradPooled.Length, shape.Rows, shape);
        if (!Begins<T>(map.Length, shape, powers, pooled.Length, gradMap.Length, gradPowers)) return;
        if (cuda is not null)
        {
            cuda.Backward(map, shape, powers, pooled, gradPooled, gradMap, gradPowers);
            return;
        }
        Span<float> sums = Terms(gradPowers, shape);
        Host<T>().Backward(map, shape, powers, pooled, gradPooled, gradMap, sums);
        PowerGradient(shape, powers, pooled, gradPooled, sums, gradPowers);
    }

    /// <summary>As <see cref="Backward{T}"/>, from the gradient with respect to the unit rows of <see cref="ForwardUnit{T}"/>.</summary>
    /// <param name="unit">[N,C], the forward pass's.</param>
    /// <param name="norms">[N], the forward pass's.</param>
    /// <param name="gradUnit">[N,C].</param>
    /// <exception cref="ArgumentException">As <see cref="Forward{T}"/>.</exception>
    public void BackwardUnit<T>(
        ReadOnlySpan<T> map,
        MapShape shape,
        ReadOnlySpan<float> powers,
        ReadOnlySpan<float> pooled,
        ReadOnlySpan<float> unit,
        ReadOnlySpan<float> norms,
        ReadOnlySpan<float> gradUnit,
        Span<T> gradMap,
        Span<float> gradPowers)
        where T : unmanaged
    {
        PoolingChecks.UnitRows(unit.Length, norms.Length, shape);
        PoolingChecks.Length(nameof(gradUnit), gradUnit.Length, shape.Rows, shape);
        if (cuda is not null)
        {
            if (Begins<T>(map.Length, shape, powers, pooled.Length, gradMap.Length, gradPowers)) cuda.BackwardUnit(map, shape, powers, pooled, unit, norms, gradUnit, gradMap, gradPowers);
            return;
        }
        if (gradRows.Length < shape.Rows) gradRows = new float[shape.Rows];
        Span<float> gradPooled = gradRows.AsSpan(0, shape.Rows);
        if (shape.Rows > 0) hostRows!.Backward(unit, norms, gradUnit, shape.Batch, shape.Channels, gradPooled);
        Backward(map, shape, powers, pooled, gradPooled, gradMap, gradPowers);
    }

    /// <summary>Checks what all ways back take, and whether anything is to be done.</summary>
    bool Begins<T>(int map, MapShape shape, ReadOnlySpan<float> powers, int pooled, int gradMap, Span<float> gradPowers)
    {
        PoolingChecks.Length(nameof(map), map, shape.Length, shape);
        PoolingChecks.Length(nameof(pooled), pooled, shape.Rows, shape);
        PoolingChecks.Length(nameof(gradMap), gradMap, shape.Length, shape);
        CheckPowers(powers, shape);
        PoolingChecks.PowerGradient(kind, gradPowers.Length, powers.Length);
        PoolingChecks.Type<T>();
        gradPowers.Clear();
        return shape.Length > 0;
    }

    HostPooling<T> Host<T>()
        where T : unmanaged =>
        (HostPooling<T>)(object)(typeof(T) == typeof(float) ? hostFloat! : typeof(T) == typeof(Half) ? hostHalf! : hostBFloat16!);

    Span<float> Terms(Span<float> gradPowers, MapShape shape)
    {
        if (gradPowers.Length == 0) return [];
        if (terms.Length < shape.Rows) terms = new float[shape.Rows];
        return terms.AsSpan(0, shape.Rows);
    }

    /// <summary>∂L/∂p from Σ t^p·ln t of every plane, added up in double, image by image.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void PowerGradient(
        MapShape shape, ReadOnlySpan<float> powers, ReadOnlySpan<float> pooled, ReadOnlySpan<float> gradPooled, ReadOnlySpan<float> sums, Span<float> gradPowers)
    {
        if (gradPowers.Length == 0) return;
        if (channelSums.Length < shape.Channels) channelSums = new double[shape.Channels];
        Span<double> totals = channelSums.AsSpan(0, shape.Channels);
        totals.Clear();
        for (int image = 0; image < shape.Batch; image++)
        {
            ReadOnlySpan<float> y = pooled.Slice(image * shape.Channels, shape.Channels), g = gradPooled.Slice(image * shape.Channels, shape.Channels);
            ReadOnlySpan<float> s = sums.Slice(image * shape.Channels, shape.Channels);
            int c = 0;
            for (; c + Vector256<float>.Count <= y.Length; c += Vector256<float>.Count)
            {
                Vector512<double> term = Widen(g[c..]) * Widen(y[c..]) * Widen(s[c..]);
                (Vector512.Create<double>(totals[c..]) + term).CopyTo(totals[c..]);
            }
            for (; c < y.Length; c++) totals[c] += (double)g[c] * y[c] * s[c];
        }
        if (gradPowers.Length == 1)
        {
            double all = 0;
            foreach (double total in totals) all += total;
            gradPowers[0] = (float)(all / shape.Plane / powers[0]);
            return;
        }
        for (int c = 0; c < totals.Length; c++) gradPowers[c] = (float)(totals[c] / shape.Plane / powers[c]);
    }

    static Vector512<double> Widen(ReadOnlySpan<float> values)
    {
        (Vector256<double> low, Vector256<double> high) = Vector256.Widen(Vector256.Create(values));
        return Vector512.Create(low, high);
    }

    void CheckPowers(ReadOnlySpan<float> powers, MapShape shape)
    {
        PoolingChecks.PowerCount(kind, powers.Length, shape);
        PoolingChecks.PowerRange(kind, powers);
    }

    public void Dispose()
    {
        hostFloat?.Dispose();
        hostHalf?.Dispose();
        hostBFloat16?.Dispose();
        cuda?.Dispose();
    }
}
