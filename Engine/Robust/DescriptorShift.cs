using static TorchSharp.torch;

namespace Osprey.Engine.Robust;

/// <summary>How far a descriptor was moved: d = 1 − cosine, 0 to 2. The embedding shift of Zhou et al. 2020.</summary>
/// <remarks>Its gradient vanishes where nothing has moved yet: an attack that increases it needs a random start.</remarks>
static class DescriptorShift
{
    /// <param name="moved">[N,D] unit rows.</param>
    /// <param name="from">[N,D] unit rows.</param>
    /// <returns>[N].</returns>
    public static Tensor Between(Tensor moved, Tensor from) => 1 - (moved * from).sum(1);
}
