using Osprey.Kernels.Pooling;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Interop.Torch;

/// <summary>Pooling as a differentiable operation on tensors, our kernel both ways. Its graph must be used before it is disposed.</summary>
public sealed class TorchPooling : IDisposable
{
    readonly PoolingKind kind;
    readonly PoolingKernel kernel;

    public TorchPooling(Device device, PoolingKind kind)
    {
        this.kind = kind;
        kernel = new PoolingKernel(device, kind);
    }

    /// <summary>Pools every channel. See <see cref="PoolingKernel"/> for the arithmetic.</summary>
    /// <param name="map">[N,C,h,w], float32 on the CPU, in any memory layout.</param>
    /// <param name="power">GeM's p, one value, float32; the gradient flows to it where it requires one. Not read by SPoC and MAC.</param>
    /// <returns>[N,C].</returns>
    /// <exception cref="ArgumentException">The map has not four dimensions, or the power is not one value or out of range.</exception>
    public Tensor Apply(Tensor map, Tensor power)
    {
        if (map.dim() != 4) throw new ArgumentException($"the feature map is {TensorMemory.Describe(map)}; pooling takes [N, C, h, w]");
        if (power.numel() != 1) throw new ArgumentException($"the power is {TensorMemory.Describe(power)}; give one value");
        // What the function saves must live until it returns, and no longer: only the result leaves this scope.
        using DisposeScope scope = NewDisposeScope();
        Tensor contiguous = map.contiguous();
        bool differentiable = is_grad_enabled() && (map.requires_grad || (kind == PoolingKind.Gem && power.requires_grad));
        return scope.MoveToOuter(differentiable ? Function.apply(contiguous, power, this) : Forward(contiguous, Power(power)));
    }

    float Power(Tensor power)
    {
        if (kind != PoolingKind.Gem) return 1;
        using Tensor plain = power.detach();
        return plain.item<float>();
    }

    Tensor Forward(Tensor map, float power)
    {
        Tensor pooled = empty([map.shape[0], map.shape[1]], float32);
        lock (kernel) kernel.Forward(TensorMemory.Read(map), Shape(map), power, TensorMemory.Write(pooled));
        return pooled;
    }

    static MapShape Shape(Tensor map)
    {
        long[] s = map.shape;
        return new MapShape(checked((int)s[0]), checked((int)s[1]), checked((int)s[2]), checked((int)s[3]));
    }

    public void Dispose() => kernel.Dispose();

    sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => "OspreyPooling";

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (map, power, pooling) = ((Tensor)vars[0], (Tensor)vars[1], (TorchPooling)vars[2]);
            float p = pooling.Power(power);
            Tensor pooled = pooling.Forward(map, p);
            // The output itself would hold the graph node that holds it: a view of its values does not.
            ctx.save_for_backward([map, pooled.detach()]);
            ctx.set_materialize_grads(false);
            ctx.save_data(nameof(pooling), pooling);
            ctx.save_data(nameof(power), p);
            ctx.save_data(nameof(Tensor.shape), power.shape);
            ctx.save_data(nameof(Tensor.requires_grad), power.requires_grad);
            return pooled;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using Tensor received = grad_output;
            if (received.IsInvalid) return [null!, null!, null!];
            using DisposeScope scope = NewDisposeScope();
            var pooling = (TorchPooling)ctx.get_data("pooling");
            float p = (float)ctx.get_data("power");
            bool powerGradient = (bool)ctx.get_data(nameof(Tensor.requires_grad));
            List<Tensor> saved = ctx.get_saved_variables();
            Tensor map = saved[0], pooled = saved[1], gradPooled = received.contiguous();
            Tensor gradMap = empty(map.shape, float32);
            float gradPower;
            lock (pooling.kernel)
            {
                gradPower = pooling.kernel.Backward(
                    TensorMemory.Read(map), Shape(map), p, TensorMemory.Read(pooled), TensorMemory.Read(gradPooled), TensorMemory.Write(gradMap), powerGradient);
            }
            Tensor? ofPower = powerGradient ? full((long[])ctx.get_data(nameof(Tensor.shape)), gradPower, float32) : null;
            List<Tensor> gradients = [scope.MoveToOuter(gradMap), ofPower is null ? null! : scope.MoveToOuter(ofPower), null!];
            // libtorch reads them after this returns: until the graph goes, the collector may not have them.
            ctx.save_data(nameof(gradients), gradients);
            return gradients;
        }
    }
}
