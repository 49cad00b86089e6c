using Osprey.Interop.Torch;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Robust;

/// <summary>Projected gradient ascent on an objective inside a threat's ball and the pixel range. Madry et al. 2018; one step from the clean image is FGSM, Goodfellow et al. 2015; with momentum MI-FGSM, Dong et al. 2018.</summary>
/// <remarks>
/// The gradient is taken by torch with respect to the pixels alone: no parameter's gradient is touched. Which norms and which mode the
/// network runs in is the objective's business.
/// </remarks>
public sealed class Attack : IDisposable
{
    readonly Threat threat;
    readonly TorchPerturbation perturbation;

    /// <exception cref="ArgumentException">The threat has a value out of range.</exception>
    public Attack(Device device, Threat threat)
    {
        this.threat = threat.Validate();
        perturbation = new TorchPerturbation(device, threat.Norm);
    }

    /// <param name="clean">[N,C,H,W] in 0..1, contiguous; left as it is.</param>
    /// <param name="objective">Pixels → what to increase: one value per image, [N], or a scalar of the batch. Gradients flow through it.</param>
    /// <param name="seed">Of the random starts; restarts take their own streams of it.</param>
    /// <param name="places">Where the images stand in a batch that is shared out, rising: each starts where it would if all were here. Null: 0, 1, 2 …</param>
    /// <returns>
    /// A new tensor of the same shape, owned by the caller. With restarts, of each image the try with the highest objective (of the
    /// batch, where the objective is one scalar).
    /// </returns>
    public Tensor Perturb(Tensor clean, Func<Tensor, Tensor> objective, ulong seed, int[]? places = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor pixels = clean.detach();
        Tensor best = Try(pixels, objective, seed, 0, places);
        if (threat.Restarts > 1 && threat.Epsilon > 0)
        {
            Tensor reached = Reached(best, objective);
            for (int restart = 1; restart < threat.Restarts; restart++)
            {
                using DisposeScope tryScope = NewDisposeScope();
                Tensor candidate = Try(pixels, objective, seed, restart, places);
                Tensor value = Reached(candidate, objective);
                Tensor better = value > reached;
                best = where(better.view(-1, 1, 1, 1), candidate, best).MoveToOuterDisposeScope();
                reached = where(better, value, reached).MoveToOuterDisposeScope();
            }
        }
        return best.MoveToOuterDisposeScope();
    }

    /// <summary>One of the tries of <see cref="Perturb"/>, for those who judge them by more than the objective.</summary>
    /// <param name="clean">As of <see cref="Perturb"/>.</param>
    /// <param name="objective">As of <see cref="Perturb"/>.</param>
    /// <param name="seed">As of <see cref="Perturb"/>.</param>
    /// <param name="restart">Which, from 0. Any number may be had, whatever the threat's.</param>
    /// <param name="places">As of <see cref="Perturb"/>.</param>
    /// <returns>As of <see cref="Perturb"/>.</returns>
    public Tensor Try(Tensor clean, Func<Tensor, Tensor> objective, ulong seed, int restart, int[]? places = null) =>
        Ascend(clean.detach(), objective, seed + (ulong)restart * 0x9E3779B97F4A7C15, places);

    /// <summary>What no gradient has guided: one step of length ε in a random direction, into a corner of the ℓ∞ ball or onto the sphere, then into the pixel range.</summary>
    /// <param name="clean">[N,C,H,W] in 0..1, contiguous; left as it is.</param>
    /// <param name="seed">Of the directions.</param>
    /// <param name="places">As of <see cref="Perturb"/>.</param>
    /// <returns>A new tensor of the same shape, owned by the caller.</returns>
    public Tensor Wander(Tensor clean, ulong seed, int[]? places = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor perturbed = clean.detach().clone();
        if (threat.Epsilon == 0) return perturbed.MoveToOuterDisposeScope();
        // A random start in a ball about mid-grey that fits into the pixel range has a uniform direction.
        Tensor middle = full_like(clean, 0.5), point = middle.clone();
        Start(middle, 0.5, seed, places, point);
        perturbation.Step(clean.detach(), point - middle, threat.Epsilon, threat.Epsilon, perturbed);
        return Masked(clean, Reach(clean), perturbed).MoveToOuterDisposeScope();
    }

    Tensor Ascend(Tensor clean, Func<Tensor, Tensor> objective, ulong seed, int[]? places)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor perturbed = clean.clone();
        if (threat.Epsilon == 0) return perturbed.MoveToOuterDisposeScope();
        if (threat.RandomStart) Start(clean, threat.Epsilon, seed, places, perturbed);
        Tensor? reach = Reach(clean), momentum = threat.Momentum > 0 ? zeros_like(clean) : null;
        for (int step = 0; step < threat.Steps; step++)
        {
            using DisposeScope stepScope = NewDisposeScope();
            Tensor gradient = Gradient(perturbed, x => objective(Masked(clean, reach, x)));
            if (momentum is null) perturbation.Step(clean, gradient, threat.Step(), threat.Epsilon, perturbed);
            else perturbation.MomentumStep(clean, gradient, threat.Step(), threat.Epsilon, threat.Momentum, momentum, perturbed);
        }
        return Masked(clean, reach, perturbed).MoveToOuterDisposeScope();
    }

    Tensor? Reach(Tensor clean) => threat.FullContrast is double full ? ContrastMap.Of(clean, full) : null;

    /// <summary>What the network is shown of a point that the kernels found in the whole ball: the change, shrunk to each pixel's reach, stays in the ball and in the pixel range.</summary>
    static Tensor Masked(Tensor clean, Tensor? reach, Tensor perturbed) => reach is null ? perturbed : clean.lerp(perturbed, reach);

    void Start(Tensor clean, double epsilon, ulong seed, int[]? places, Tensor perturbed)
    {
        if (places is []) return;
        // Rising places that end so are 0, 1, 2 …
        if (places is null || places[^1] == places.Length - 1)
        {
            perturbation.Start(clean, epsilon, seed, perturbed);
            return;
        }
        // The kernel draws by an image's place in the batch, so the others' places are filled with nothing: small beside one pass of the network over the own.
        using DisposeScope scope = NewDisposeScope();
        long[] all = clean.shape;
        all[0] = places[^1] + 1;
        Tensor index = tensor(places, ScalarType.Int64), whole = zeros(all).index_copy_(0, index, clean), started = empty_like(whole);
        perturbation.Start(whole, epsilon, seed, started);
        perturbed.copy_(started.index_select(0, index));
    }

    static Tensor Gradient(Tensor at, Func<Tensor, Tensor> objective)
    {
        using var enabled = enable_grad();
        Tensor pixels = at.detach().requires_grad_(true);
        return autograd.grad([objective(pixels).sum()], [pixels])[0].contiguous();
    }

    /// <returns>[N], or [1] for an objective of the batch.</returns>
    static Tensor Reached(Tensor at, Func<Tensor, Tensor> objective)
    {
        using var disabled = no_grad();
        return objective(at).view(-1);
    }

    public void Dispose() => perturbation.Dispose();
}
