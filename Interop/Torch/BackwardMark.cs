using static TorchSharp.torch;

namespace Osprey.Interop.Torch;

/// <summary>A place in a network that tells when the way back passes it: by then the gradients of all that comes after it stand in their parameters.</summary>
/// <remarks>
/// TorchSharp 0.107 has no hooks on tensors or parameters. That the parameters are ahead is libtorch's order: it stores a gradient that is ready before it goes on
/// to any other node (<c>AccumulateGrad</c> has the highest sequence number there is).
/// </remarks>
public static class BackwardMark
{
    /// <param name="map">What flows through; a tensor that requires a gradient.</param>
    /// <param name="passed">Called on the thread of the backward pass, once in each, without gradients. It must not throw.</param>
    /// <returns>The same values in the same memory.</returns>
    public static Tensor Apply(Tensor map, Action passed) => Function.apply(map, passed);

    sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => "OspreyBackwardMark";

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_data("passed", vars[1]);
            return ((Tensor)vars[0]).detach();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            ((Action)ctx.get_data("passed"))();
            return [grad_output, null!];
        }
    }
}
