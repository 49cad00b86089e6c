using System.CommandLine;
using Osprey.Engine.Robust;
using Osprey.Kernels.Perturbation;

namespace Osprey.Tool.Hosting;

/// <summary>The threats of 'eval': one or both norms, each with radii of its own, and one way to search them all.</summary>
sealed class SweepFlags
{
    static readonly Threat Search = new() { Steps = 10 };

    static readonly double[] LInf = [1.0 / 255, 2.0 / 255, 4.0 / 255, 8.0 / 255];

    /// <summary>Spread over a picture of 128 pixels, 0.3, 0.6, 1.2 and 2.3 of 255 a value, root mean square: the range of the ℓ∞ radii, and the largest as much as the customary 0.5 on CIFAR's 32 pixels.</summary>
    static readonly double[] L2 = [0.25, 0.5, 1, 2];

    readonly Option<bool> robust = Flag.Switch("--robust", "Also measure with attacked queries; costs some twenty forward passes an attacked image, ε and restart.");

    readonly Option<PerturbationNorm[]?> norms = Flag.Choices<PerturbationNorm>("--norm", "Norms of the balls that the perturbations stay in, one or both. Default linf.");

    readonly Option<double[]?> epsilon = Flag.Numbers("--epsilon", "Radii of the ℓ∞ balls (of the ℓ2 balls, where that is the only norm), of the pixel range; fractions allowed. Default 1/255 2/255 4/255 8/255.", 0, 1000);

    readonly Option<double[]?> epsilonL2 = Flag.Numbers("--epsilon-l2", "Radii of the ℓ2 balls, of the pixel range, over the whole picture. Default 0.25 0.5 1 2: at 128 px these change a value by 0.3 to 2.3 of 255, root mean square.", 0, 1000);

    readonly FlagSet<Threat> search = ThreatFlags.Create(Search, withBall: false, withRandomStart: false);

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { robust, norms, epsilon, epsilonL2 }) command.Add(option);
        search.AddTo(command);
    }

    /// <returns>Empty unless an attack was asked for.</returns>
    public IReadOnlyList<Threat> Bind(ParseResult arguments)
    {
        PerturbationNorm[]? given = Given(arguments, norms);
        double[]? first = Given(arguments, epsilon), second = Given(arguments, epsilonL2);
        if (!arguments.GetValue(robust) && given is null && first is null && second is null) return [];
        PerturbationNorm[] wanted = given?.Distinct().ToArray() ?? (second is null ? [PerturbationNorm.LInf] : first is null ? [PerturbationNorm.L2] : [PerturbationNorm.LInf, PerturbationNorm.L2]);
        if (second is not null && !wanted.Contains(PerturbationNorm.L2)) throw new ArgumentException("--epsilon-l2 gives radii of ℓ2 balls, and --norm leaves that norm out");
        if (second is not null && first is not null && wanted is [PerturbationNorm.L2]) throw new ArgumentException("--epsilon and --epsilon-l2 both give radii of the ℓ2 balls; give one of them");
        Threat start = search.Bind(arguments, Search);
        return
        [
            .. wanted.SelectMany(norm =>
            {
                double[] radii = norm == PerturbationNorm.LInf ? first ?? LInf : second ?? (wanted.Length == 1 ? first : null) ?? L2;
                return radii.Select(e => start with { Norm = norm, Epsilon = e });
            }),
        ];
    }

    /// <summary>Null where the option is not on the command line; its value is then an empty array.</summary>
    static T[]? Given<T>(ParseResult arguments, Option<T[]?> option) => arguments.GetResult(option) is null ? null : arguments.GetValue(option);
}
