using Osprey.Engine.Robust;
using Osprey.Kernels.Perturbation;

namespace Osprey.Tool.Hosting;

/// <summary>The flags of <see cref="Threat"/>.</summary>
static class ThreatFlags
{
    /// <param name="start">What is used without flags; shown as the defaults.</param>
    /// <param name="withBall">False where a verb takes lists of norms and ε of its own.</param>
    /// <param name="withRandomStart">False where an attack cannot do without one.</param>
    public static FlagSet<Threat> Create(Threat start, bool withBall = true, bool withRandomStart = true)
    {
        var flags = new FlagSet<Threat>();
        if (withBall)
        {
            flags.Add(nameof(Threat.Norm), Flag.Choice<PerturbationNorm>("--norm", $"Norm of the ball a perturbation stays in. Default {Flag.NameOf(start.Norm)}."), (t, v) => t with { Norm = v });
            flags.Add(nameof(Threat.Epsilon), Flag.Number("--epsilon", $"Radius of the ball, of the pixel range 0…1; fractions allowed. Default {start.Radius()}.", 0, 1000), (t, v) => t with { Epsilon = v });
        }
        flags.Add(nameof(Threat.FullContrast), Flag.Number("--full-contrast", "Standard deviation of brightness, of the pixel range, over 9 × 9 pixels, from which on a pixel may move by all of ε; with less, in proportion less (after Croce and Hein 2019). Default: everywhere by ε.", 0, 1), (t, v) => t with { FullContrast = v });
        flags.Add(nameof(Threat.Steps), Flag.Whole<int>("--steps", $"Gradient steps of one attack, 1 to 10000. Default {start.Steps}.", 1, 10_000), (t, v) => t with { Steps = v });
        flags.Add(nameof(Threat.StepSize), Flag.Number("--step-size", "Length of a step, unit of ε. Default: ε for one step, 2.5·ε/steps for more.", 0, 1000), (t, v) => t with { StepSize = v });
        flags.Add(nameof(Threat.Momentum), Flag.Number("--attack-momentum", $"Decay of the accumulated gradient that the steps follow, 0 to 10; 1 in MI-FGSM. Default {start.Momentum}: none.", 0, 10), (t, v) => t with { Momentum = v });
        flags.Add(nameof(Threat.Restarts), Flag.Whole<int>("--restarts", $"Independent tries, the worst of which counts, 1 to 1000. Default {start.Restarts}.", 1, 1000), (t, v) => t with { Restarts = v });
        if (!withRandomStart) return flags;
        flags.Add(nameof(Threat.RandomStart), Flag.Switch("--no-random-start", "Start at the image itself instead of at a random point of the ball."), t => t with { RandomStart = false });
        return flags;
    }
}
