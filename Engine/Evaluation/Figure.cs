namespace Osprey.Engine.Evaluation;

/// <summary>A measured fraction with its bootstrap 95 % interval.</summary>
/// <param name="Value">The mean over queries or images.</param>
/// <param name="Low">2.5 % point of the resampled means.</param>
/// <param name="High">97.5 % point.</param>
/// <param name="Deviation">Sample standard deviation over seeded runs, where there is more than one; NaN otherwise.</param>
public readonly record struct Figure(double Value, double Low, double High, double Deviation = double.NaN)
{
    /// <summary>As JSON members: <c>name</c>, <c>name_ci</c> and, over several runs, <c>name_std</c>.</summary>
    internal static Dictionary<string, object> Flatten(IEnumerable<KeyValuePair<string, Figure>> figures)
    {
        var flat = new Dictionary<string, object>();
        foreach ((string name, Figure figure) in figures)
        {
            flat[name] = figure.Value;
            flat[name + "_ci"] = new[] { figure.Low, figure.High };
            if (!double.IsNaN(figure.Deviation)) flat[name + "_std"] = figure.Deviation;
        }
        return flat;
    }
}
