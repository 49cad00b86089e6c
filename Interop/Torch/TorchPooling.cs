using Osprey.Kernels.Pooling;
using Osprey.Kernels.Sharing;
using TorchSharp;
using static TorchSharp.torch;
using BFloat16 = Osprey.Kernels.BFloat16;
using Device = Osprey.Kernels.Device;

namespace Osprey.Interop.Torch;

/// <summary>
/// Pooling as a differentiable operation on tensors, our kernel both ways. Maps on the CPU are worked on by the device it is made with; maps on a CUDA device stay
/// there, and a call returns when its launches are on libtorch's default stream. Its graph must be used before it is disposed.
/// </summary>
public sealed class TorchPooling : IDisposable
{
    static readonly ScalarType[] types = [ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16];

    readonly PoolingKind kind;
    readonly PoolingKernel kernel;
    readonly SharedKernels<SharedPooling> shared;

    public TorchPooling(Device device, PoolingKind kind)
    {
        this.kind = kind;
        kernel = new PoolingKernel(device, kind);
        shared = new(context => new SharedPooling(context, kind));
    }

    /// <summary>Pools every channel. See <see cref="PoolingKernel"/> for the arithmetic.</summary>
    /// <param name="map">
    /// [N,C,h,w], float32, float16 or bfloat16, on the CPU or a CUDA device. Contiguous and channels-last maps are read where they lie, others are copied first. The gradient
    /// has the map's type and layout.
    /// </param>
    /// <param name="power">
    /// GeM's p, float32, one value or one per channel; the gradient flows to it where it requires one. Not read by the other kinds. On the CPU, or on the map's
    /// CUDA device: there its values are not looked at, which would be to wait for the device, so they are not checked, and a 3 is as slow as any other.
    /// </param>
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
        Pooled result = Forward(dense, Read(power, dense), unitRows);
        return scope.MoveToOuter(result.Unit ?? result.Rows);
    }

    /// <param name="Unit">[N,C], and <paramref name="Norms"/> [N]: null where no unit rows were asked for.</param>
    readonly record struct Pooled(Tensor Rows, Tensor? Unit, Tensor? Norms);

    /// <summary>GeM's powers as they are now.</summary>
    /// <param name="Known">On the host: empty where a CUDA device alone has them, and for the other kinds.</param>
    /// <param name="There">On the map's CUDA device; null where the map is on none.</param>
    readonly record struct Powers(float[] Known, Tensor? There)
    {
        public DevicePowers OnDevice(int device) => new(There is null ? default : TensorMemory.OnDevice(There, device), Known);
    }

    Powers Read(Tensor power, Tensor map)
    {
        if (kind != PoolingKind.Gem) return new([], null);
        float[] known = power.device_type == DeviceType.CPU || map.device_type != DeviceType.CUDA ? TensorMemory.ToArray(power) : [];
        if (map.device_type != DeviceType.CUDA) return new(known, null);
        // Without waiting: CUDA has copied memory that is not pinned aside when it returns.
        if (known.Length > 0) return new(known, TensorMemory.FromSpan(known, known.Length).to(map.device, non_blocking: true));
        using Tensor values = power.detach();
        return new(known, values.clone().contiguous());
    }

    Pooled Forward(Tensor map, Powers powers, bool unitRows) => map.dtype switch
    {
        ScalarType.Float32 => Forward<float>(map, powers, unitRows),
        ScalarType.Float16 => Forward<Half>(map, powers, unitRows),
        _ => Forward<BFloat16>(map, powers, unitRows),
    };

    Pooled Forward<T>(Tensor map, Powers powers, bool unitRows)
        where T : unmanaged
    {
        MapShape shape = MapTensor.Shape(map);
        Tensor pooled = empty([shape.Batch, shape.Channels], float32, map.device);
        Tensor? unit = unitRows ? empty([shape.Batch, shape.Channels], float32, map.device) : null, norms = unitRows ? empty([shape.Batch], float32, map.device) : null;
        lock (kernel)
        {
            if (shared.Of(map, out int d) is { } there)
            {
                DeviceSpan<T> x = MapTensor.OnDevice<T>(map, d);
                DevicePowers p = powers.OnDevice(d);
                if (unit is null) there.Forward(x, shape, p, TensorMemory.OnDevice(pooled, d));
                else there.ForwardUnit(x, shape, p, TensorMemory.OnDevice(pooled, d), TensorMemory.OnDevice(unit, d), TensorMemory.OnDevice(norms!, d));
            }
            else
            {
                ReadOnlySpan<T> x = MapTensor.Values<T>(map);
                if (unit is null) kernel.Forward(x, shape, powers.Known, TensorMemory.Write(pooled));
                else kernel.ForwardUnit(x, shape, powers.Known, TensorMemory.Write(pooled), TensorMemory.Write(unit), TensorMemory.Write(norms!));
            }
        }
        return new(pooled, unit, norms);
    }

    /// <param name="gradPowers">On the map's device, written; empty leaves it out.</param>
    Tensor Backward(Tensor map, Powers powers, Pooled pooled, Tensor gradient, Tensor gradPowers) => map.dtype switch
    {
        ScalarType.Float32 => Backward<float>(map, powers, pooled, gradient, gradPowers),
        ScalarType.Float16 => Backward<Half>(map, powers, pooled, gradient, gradPowers),
        _ => Backward<BFloat16>(map, powers, pooled, gradient, gradPowers),
    };

    Tensor Backward<T>(Tensor map, Powers powers, Pooled pooled, Tensor gradient, Tensor gradPowers)
        where T : unmanaged
    {
        MapShape shape = MapTensor.Shape(map);
        Tensor gradMap = MapTensor.EmptyLike(map, shape);
        lock (kernel)
        {
            if (shared.Of(map, out int d) is { } there)
            {
                DeviceSpan<T> x = MapTensor.OnDevice<T>(map, d), gx = MapTensor.OnDevice<T>(gradMap, d);
                DeviceSpan<float> y = TensorMemory.OnDevice(pooled.Rows, d), g = TensorMemory.OnDevice(gradient, d), gp = TensorMemory.OnDevice(gradPowers, d);
                DevicePowers p = powers.OnDevice(d);
                if (pooled.Unit is null) there.Backward(x, shape, p, y, g, gx, gp);
                else there.BackwardUnit(x, shape, p, y, TensorMemory.OnDevice(pooled.Unit, d), TensorMemory.OnDevice(pooled.Norms!, d), g, gx, gp);
            }
            else
            {
                ReadOnlySpan<T> x = MapTensor.Values<T>(map);
                Span<T> gx = MapTensor.Values<T>(gradMap);
                ReadOnlySpan<float> y = TensorMemory.Read(pooled.Rows), g = TensorMemory.Read(gradient);
                Span<float> gp = TensorMemory.Write(gradPowers);
                if (pooled.Unit is null) kernel.Backward(x, shape, powers.Known, y, g, gx, gp);
                else kernel.BackwardUnit(x, shape, powers.Known, y, TensorMemory.Read(pooled.Unit), TensorMemory.Read(pooled.Norms!), g, gx, gp);
            }
        }
        return gradMap;
    }

    public void Dispose()
    {
        shared.Dispose();
        kernel.Dispose();
    }

    sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => "OspreyPooling";

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (map, power, pooling, unitRows) = ((Tensor)vars[0], (Tensor)vars[1], (TorchPooling)vars[2], (bool)vars[3]);
            Powers powers = pooling.Read(power, map);
            Pooled pooled = pooling.Forward(map, powers, unitRows);
            // The output itself would hold the graph node that holds it: a view of its values does not.
            List<Tensor> saved = unitRows ? [map, pooled.Rows, pooled.Unit!.detach(), pooled.Norms!] : [map, pooled.Rows.detach()];
            if (powers.There is not null) saved.Add(powers.There);
            ctx.save_for_backward(saved);
            ctx.set_materialize_grads(false);
            ctx.save_data(nameof(pooling), pooling);
            ctx.save_data(nameof(unitRows), unitRows);
            ctx.save_data(nameof(powers), powers.Known);
            ctx.save_data(nameof(Tensor.shape), power.shape);
            ctx.save_data(nameof(Tensor.device), power.device);
            ctx.save_data(nameof(Tensor.requires_grad), pooling.kind == PoolingKind.Gem && power.requires_grad);
            return pooled.Unit ?? pooled.Rows;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using Tensor received = grad_output;
            if (received.IsInvalid) return [null!, null!, null!, null!];
            using DisposeScope scope = NewDisposeScope();
            var pooling = (TorchPooling)ctx.get_data("pooling");
            List<Tensor> saved = ctx.get_saved_variables();
            int powersAt = (bool)ctx.get_data("unitRows") ? 4 : 2;
            var pooled = new Pooled(saved[1], powersAt > 2 ? saved[2] : null, powersAt > 2 ? saved[3] : null);
            var powers = new Powers((float[])ctx.get_data("powers"), saved.Count > powersAt ? saved[powersAt] : null);
            bool toPowers = (bool)ctx.get_data(nameof(Tensor.requires_grad));
            Tensor gradPowers = empty(toPowers ? (long[])ctx.get_data(nameof(Tensor.shape)) : [0], float32, saved[0].device);
            Tensor gradMap = pooling.Backward(saved[0], powers, pooled, received.contiguous(), gradPowers);
            // Where the powers are: to the CPU, for powers that were left there, this waits for the device.
            Tensor? ofPowers = toPowers ? gradPowers.to((torch.Device)ctx.get_data(nameof(Tensor.device))) : null;
            List<Tensor> gradients = [scope.MoveToOuter(gradMap), ofPowers is null ? null! : scope.MoveToOuter(ofPowers), null!, null!];
            // libtorch reads them after this returns: until the graph goes, the collector may not have them.
            ctx.save_data(nameof(gradients), gradients);
            return gradients;
        }
    }
}
