using Osprey.Kernels.Normalization;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Interop.Torch;

/// <summary>Row normalisation as a differentiable operation on tensors, our kernel both ways. Its graph must be used before it is disposed.</summary>
public sealed class TorchRowNormalization(Device device) : IDisposable
{
    readonly RowNormalization kernel = new(device);

    /// <summary>Brings rows to unit length: x/(‖x‖₂ + 1e-6).</summary>
    /// <param name="rows">[N,D], float32 on the CPU, in any memory layout.</param>
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
        Tensor unit = empty(rows.shape, float32);
        norms = empty([rows.shape[0]], float32);
        lock (kernel) kernel.Forward(TensorMemory.Read(rows), (int)rows.shape[0], (int)rows.shape[1], TensorMemory.Write(unit), TensorMemory.Write(norms));
        return unit;
    }

    public void Dispose() => kernel.Dispose();

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
            Tensor unit = saved[0], norms = saved[1], gradUnit = received.contiguous();
            Tensor gradRows = empty(unit.shape, float32);
            lock (normalization.kernel)
            {
                normalization.kernel.Backward(
                    TensorMemory.Read(unit), TensorMemory.Read(norms), TensorMemory.Read(gradUnit), (int)unit.shape[0], (int)unit.shape[1], TensorMemory.Write(gradRows));
            }
            List<Tensor> gradients = [scope.MoveToOuter(gradRows), null!];
            // libtorch reads them after this returns: until the graph goes, the collector may not have them.
            ctx.save_data(nameof(gradients), gradients);
            return gradients;
        }
    }
}
