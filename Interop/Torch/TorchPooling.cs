using Osprey.Kernels.Pooling;
using TorchSharp;
using static TorchSharp.torch;
using BFloat16 = Osprey.Kernels.BFloat16;
using Device = Osprey.Kernels.Device;

namespace Osprey.Interop.Torch;

/// <summary>Pooling as a differentiable operation on tensors, our kernel both ways. Its graph must be used before it is disposed.</summary>
public sealed class TorchPooling : IDisposable
{
    static readonly ScalarType[] types = [ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16];

    readonly PoolingKind kind;
    readonly PoolingKernel kernel;

    public TorchPooling(Device device, PoolingKind kind)
    {
        this.kind = kind;
        kernel = new PoolingKernel(device, kind);
    }

    /// <summary>Pools every channel. See <see cref="PoolingKernel"/> for the arithmetic.</summary>
    /// <param name="map">
    /// [N,C,h,w], float32, float16 or bfloat16, on the CPU. Contiguous and channels-last maps are read where they lie, others are copied first. The gradient
    /// has the map's type and layout.
    /// </param>
    /// <param name="power">GeM's p, float32, one value or one per channel; the gradient flows to it where it requires one. Not read by the other kinds.</param>
    /// <param name="unitRows">Whether the descriptors are brought to unit length, as <see cref="TorchRowNormalization"/> does it, in the same operation.</param>
    /// <returns>[N,C], float32.</returns>
    /// <exception cref="ArgumentException">The map has not four dimensions or another type, or the power is not one value (or one per channel) or out of range.</exception>
    public Tensor Apply(Tensor map, Tensor power, bool unitRows = false)
    {
        if (map.dim() != 4) throw new ArgumentException($"the feature map is {TensorMemory.Describe(map)}; pooling takes [N, C, h, w]");
        if (!types.Contains(map.dtype)) throw new ArgumentException($"the feature map {TensorMemory.Describe(map)} holds {map.dtype}; pooling takes {string.Join(", ", types)}");
        if (power.numel() != 1 && power.numel() != map.shape[1])
            throw new ArgumentException($"the power is {TensorMemory.Describe(power)}; give one value, or {map.shape[1]}, one per channel");
        // What the function saves must live until it returns, and no longer: only the result leaves this scope.
        using DisposeScope scope = NewDisposeScope();
        Tensor dense = MapTensor.Dense(map);
        if (is_grad_enabled() && (map.requires_grad || (kind == PoolingKind.Gem && power.requires_grad)))
            return scope.MoveToOuter(Function.apply(dense, power, this, unitRows));
        Pooled result = Forward(dense, Powers(power), unitRows);
        return scope.MoveToOuter(result.Unit ?? result.Rows);
    }

    /// <param name="Unit">[N,C], and <paramref name="Norms"/> [N]: null where no unit rows were asked for.</param>
    readonly record struct Pooled(Tensor Rows, Tensor? Unit, Tensor? Norms);

    float[] Powers(Tensor power) => kind == PoolingKind.Gem ? TensorMemory.ToArray(power) : [];

    Pooled Forward(Tensor map, float[] powers, bool unitRows) => map.dtype switch
    {
        ScalarType.Float32 => Forward<float>(map, powers, unitRows),
        ScalarType.Float16 => Forward<Half>(map, powers, unitRows),
        _ => Forward<BFloat16>(map, powers, unitRows),
    };

    Pooled Forward<T>(Tensor map, float[] powers, bool unitRows)
        where T : unmanaged
    {
        MapShape shape = MapTensor.Shape(map);
        Tensor pooled = empty([shape.Batch, shape.Channels], float32);
        if (!unitRows)
        {
            lock (kernel) kernel.Forward<T>(MapTensor.Values<T>(map), shape, powers, TensorMemory.Write(pooled));
            return new(pooled, null, null);
        }
        Tensor unit = empty([shape.Batch, shape.Channels], float32), norms = empty([shape.Batch], float32);
        lock (kernel) kernel.ForwardUnit<T>(MapTensor.Values<T>(map), shape, powers, TensorMemory.Write(pooled), TensorMemory.Write(unit), TensorMemory.Write(norms));
        return new(pooled, unit, norms);
    }

    Tensor Backward(Tensor map, float[] powers, Pooled pooled, Tensor gradient, float[] gradPowers) => map.dtype switch
    {
        ScalarType.Float32 => Backward<float>(map, powers, pooled, gradient, gradPowers),
        ScalarType.Float16 => Backward<Half>(map, powers, pooled, gradient, gradPowers),
        _ => Backward<BFloat16>(map, powers, pooled, gradient, gradPowers),
    };

    Tensor Backward<T>(Tensor map, float[] powers, Pooled pooled, Tensor gradient, float[] gradPowers)
        where T : unmanaged
    {
        MapShape shape = MapTensor.Shape(map);
        Tensor gradMap = MapTensor.EmptyLike(map, shape);
        ReadOnlySpan<float> rows = TensorMemory.Read(pooled.Rows), g = TensorMemory.Read(gradient);
        lock (kernel)
        {
            if (pooled.Unit is null)
            {
                kernel.Backward(MapTensor.Values<T>(map), shape, powers, rows, g, MapTensor.Values<T>(gradMap), gradPowers);
            }
            else
            {
                kernel.BackwardUnit(
                    MapTensor.Values<T>(map), shape, powers, rows, TensorMemory.Read(pooled.Unit), TensorMemory.Read(pooled.Norms!), g, MapTensor.Values<T>(gradMap), gradPowers);
            }
        }
        return gradMap;
    }

    public void Dispose() => kernel.Dispose();

    sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => "OspreyPooling";

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (map, power, pooling, unitRows) = ((Tensor)vars[0], (Tensor)vars[1], (TorchPooling)vars[2], (bool)vars[3]);
            float[] powers = pooling.Powers(power);
            Pooled pooled = pooling.Forward(map, powers, unitRows);
            // The output itself would hold the graph node that holds it: a view of its values does not.
            ctx.save_for_backward(pooled.Unit is null ? [map, pooled.Rows.detach()] : [map, pooled.Rows, pooled.Unit.detach(), pooled.Norms!]);
            ctx.set_materialize_grads(false);
            ctx.save_data(nameof(pooling), pooling);
            ctx.save_data(nameof(powers), powers);
            ctx.save_data(nameof(Tensor.shape), power.shape);
            ctx.save_data(nameof(Tensor.requires_grad), pooling.kind == PoolingKind.Gem && power.requires_grad);
            return pooled.Unit ?? pooled.Rows;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using Tensor received = grad_output;
            if (received.IsInvalid) return [null!, null!, null!, null!];
            using DisposeScope scope = NewDisposeScope();
            var pooling = (TorchPooling)ctx.get_data("pooling");
            var powers = (float[])ctx.get_data("powers");
            float[] gradPowers = (bool)ctx.get_data(nameof(Tensor.requires_grad)) ? new float[powers.Length] : [];
            List<Tensor> saved = ctx.get_saved_variables();
            var pooled = new Pooled(saved[1], saved.Count > 2 ? saved[2] : null, saved.Count > 2 ? saved[3] : null);
            Tensor gradMap = pooling.Backward(saved[0], powers, pooled, received.contiguous(), gradPowers);
            Tensor? ofPowers = gradPowers.Length > 0 ? TensorMemory.FromSpan(gradPowers, (long[])ctx.get_data(nameof(Tensor.shape))) : null;
            List<Tensor> gradients = [scope.MoveToOuter(gradMap), ofPowers is null ? null! : scope.MoveToOuter(ofPowers), null!, null!];
            // libtorch reads them after this returns: until the graph goes, the collector may not have them.
            ctx.save_data(nameof(gradients), gradients);
            return gradients;
        }
    }
}
