namespace Osprey.Engine.Training;

/// <summary>The learning rate over a run, as a share of its peak.</summary>
public static class Schedule
{
    /// <param name="step">0-based, under <paramref name="totalSteps"/>.</param>
    /// <returns>(step+1)/warmup during the warm-up; then of t = (step−warmup)/(total−warmup): cosine ½(1+cos πt), linear 1−t, constant 1.</returns>
    public static double Factor(ScheduleKind kind, long step, long totalSteps, int warmupSteps)
    {
        if (step < warmupSteps) return (step + 1.0) / warmupSteps;
        double t = (double)(step - warmupSteps) / Math.Max(1, totalSteps - warmupSteps);
        return kind switch
        {
            ScheduleKind.Cosine => 0.5 * (1 + Math.Cos(Math.PI * t)),
            ScheduleKind.Linear => 1 - t,
            _ => 1,
        };
    }
}
