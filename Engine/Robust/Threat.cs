using Osprey.Kernels.Perturbation;

namespace Osprey.Engine.Robust;

/// <summary>What an adversary may do to an image, in pixel space [0,1], and how it searches. Madry et al. 2018.</summary>
public sealed record Threat
{
    public PerturbationNorm Norm { get; init; } = PerturbationNorm.LInf;

    /// <summary>Radius of the ball, in units of the pixel range; 0 means no change at all.</summary>
    public double Epsilon { get; init; } = 2.0 / 255;

    /// <summary>
    /// Local standard deviation of brightness, in units of the pixel range, from which on a pixel may move by all of ε; where there is less, in proportion
    /// less. Above 0, or null: everywhere by ε. See docs/results.md for what it does to training.
    /// </summary>
    public double? FullContrast { get; init; }

    /// <summary>Length of one step, same unit. Null: ε for one step, 2.5·ε/steps for more (Madry's rule).</summary>
    public double? StepSize { get; init; }

    public int Steps { get; init; } = 1;

    /// <summary>Decay μ of the accumulated gradient that the steps follow (MI-FGSM, Dong et al. 2018, who take 1). 0: each step follows its own gradient, as in Madry et al. 2018.</summary>
    public double Momentum { get; init; }

    public bool RandomStart { get; init; } = true;

    /// <summary>Independent tries; evaluation keeps the worst for the defender.</summary>
    public int Restarts { get; init; } = 1;

    public double Step() => StepSize ?? (Steps == 1 ? Epsilon : 2.5 * Epsilon / Steps);

    /// <summary>ε as people write it: in 255ths where it is a whole number of them, of an ℓ2 ball as it is.</summary>
    public string Radius()
    {
        double levels = Epsilon * 255;
        return Norm == PerturbationNorm.LInf && Math.Abs(levels - Math.Round(levels)) < 1e-9 ? $"{Math.Round(levels)}/255" : $"{Epsilon:0.####}";
    }

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public Threat Validate()
    {
        if (!(Epsilon >= 0 && double.IsFinite(Epsilon))) throw new ArgumentException($"epsilon is {Epsilon}; give 0 or more");
        if (FullContrast is double full && !(full > 0 && double.IsFinite(full))) throw new ArgumentException($"the full contrast is {full}; give more than 0");
        if (StepSize is double s && !(s > 0 && double.IsFinite(s))) throw new ArgumentException($"the step size is {s}; give more than 0");
        if (Steps is < 1 or > 10000) throw new ArgumentException($"steps is {Steps}; give 1 to 10000");
        if (!(Momentum is >= 0 and <= 10)) throw new ArgumentException($"the attack's momentum is {Momentum}; give 0 to 10");
        if (Restarts is < 1 or > 1000) throw new ArgumentException($"restarts is {Restarts}; give 1 to 1000");
        return this;
    }
}
