using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>A picture from above has no side that is up: turned by a right angle it is as good a picture of the place, of which a network says something else.</summary>
static class QuarterTurns
{
    public static bool IsCount(int turns) => turns is 1 or 2 or 4;

    /// <summary>The images as they are, and turned, evenly round.</summary>
    /// <param name="pixels">[N,C,H,W].</param>
    /// <param name="turns">1, 2 (half a turn) or 4.</param>
    public static IEnumerable<Tensor> Of(Tensor pixels, int turns)
    {
        yield return pixels;
        for (int turn = 1; turn < turns; turn++) yield return pixels.rot90(turn * 4 / turns, (2, 3)).contiguous();
    }

    /// <summary>What is said of the turns, averaged. Differentiable.</summary>
    /// <param name="pixels">As for <see cref="Of"/>.</param>
    /// <param name="turns">As there.</param>
    /// <param name="describe">[N,C,h,w] → [N,D], unit rows.</param>
    /// <returns>[N,D], not yet of unit length.</returns>
    public static Tensor Describe(Tensor pixels, int turns, Func<Tensor, Tensor> describe) => stack([.. Of(pixels, turns).Select(describe)], dim: 0).mean([0]);
}
