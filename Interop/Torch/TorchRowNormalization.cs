using Osprey.Kernels.Normalization;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Interop.Torch;

/// <summary>
/// Row normalisation as a differentiable operation on tensors, our kernel both ways. Tensors on the CPU are worked on by <paramref name="device"/>; tensors on a
/// CUDA device stay there, and a call returns when its launch is on libtorch's default stream. Its graph must be used before it is disposed.
/// </summary>
public sealed class TorchRowNormalization(Device device) : IDisposable
{
    readonly RowNormalization kernel = new(device);
    readonly SharedKernels<SharedRowNormalization> shared = new(context => new SharedRowNormalization(context));

    /// <summary>Brings rows to unit length: x/(‖x‖₂ + 1e-6).</summary>
    /// <param name="rows">[N,D], float32 on the CPU or a CUDA device, in any memory layout.</param>
    /// <returns>[N,D].</returns>
    /// <exception cref="ArgumentException">The tensor has not two dimensions.</exception>
    public Tensor Apply(Tensor rows)
    {
        if (rows.dim() != 2) throw new ArgumentException($"the rows are {TensorMemory.Describe(rows)}; normalisation takes [N, D]");
        // What the function saves must live until it returns, and no longer: only the result leaves this scope.
        using DisposeScope scope = NewDisposeScope();
        Tensor contiguous = rows.contiguous();
        return scope.MoveToOuter(is_grad_enabled() && rows.requires_grad ? Function.apply(contiguous, this) : Forward(contiguous, out _));
    }

    Tensor Forward(Tensor rows, out Tensor norms)
    {
        Tensor unit = empty(rows.shape, float32, rows.device);
        norms = empty([rows.shape[0]], float32, rows.device);
        int count = (int)rows.shape[0], dimension = (int)rows.shape[1];
        lock (kernel)
        {
            if (shared.Of(rows, out int d) is { } there) there.Forward(TensorMemory.OnDevice(rows, d), count, dimension, TensorMemory.OnDevice(unit, d), TensorMemory.OnDevice(norms, d));
            else kernel.Forward(TensorMemory.Read(rows), count, dimension, TensorMemory.Write(unit), TensorMemory.Write(norms));
        }
        return unit;
    }

    Tensor Backward(Tensor unit, Tensor norms, Tensor gradUnit)
    {
        Tensor gradRows = empty(unit.shape, float32, unit.device);
        int count = (int)unit.shape[0], dimension = (int)unit.shape[1];
        lock (kernel)
        {
            if (shared.Of(unit, out int d) is { } there)
                there.Backward(TensorMemory.OnDevice(unit, d), TensorMemory.OnDevice(norms, d), TensorMemory.OnDevice(gradUnit, d), count, dimension, TensorMemory.OnDevice(gradRows, d));
            else
                kernel.Backward(TensorMemory.Read(unit), TensorMemory.Read(norms), TensorMemory.Read(gradUnit), count, dimension, TensorMemory.Write(gradRows));
        }
        return gradRows;
    }

    public void Dispose()
    {
        shared.Dispose();
        kernel.Dispose();
    }

    sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => "OspreyRowNormalization";

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (rows, normalization) = ((Tensor)vars[0], (TorchRowNormalization)vars[1]);
            Tensor unit = normalization.Forward(rows, out Tensor norms);
            // The output itself would hold the graph node that holds it: a view of its values does not.
            ctx.save_for_backward([unit.detach(), norms]);
            ctx.set_materialize_grads(false);
            ctx.save_data(nameof(normalization), normalization);
            return unit;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using Tensor received = grad_output;
            if (received.IsInvalid) return [null!, null!];
            using DisposeScope scope = NewDisposeScope();
            var normalization = (TorchRowNormalization)ctx.get_data("normalization");
            List<Tensor> saved = ctx.get_saved_variables();
            Tensor gradRows = normalization.Backward(saved[0], saved[1], received.contiguous());
            List<Tensor> gradients = [scope.MoveToOuter(gradRows), null!];
            // libtorch reads them after this returns: until the graph goes, the collector may not have them.
            ctx.save_data(nameof(gradients), gradients);
            return gradients;
        }
    }
}
