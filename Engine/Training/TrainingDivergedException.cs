namespace Osprey.Engine.Training;

/// <summary>The loss or its gradient is no longer a number. The weights of the last checkpoint are still good.</summary>
public sealed class TrainingDivergedException : Exception
{
    internal TrainingDivergedException(long step, double loss, double gradientNorm, double learningRate, string checkpoint)
        : base($"training diverged at step {step}: loss {loss}, gradient norm {gradientNorm}, learning rate {learningRate:g4}; {checkpoint}; "
            + "lower the learning rate, lengthen the warm-up or clip the gradient")
    {
        Step = step;
        Loss = loss;
        LearningRate = learningRate;
    }

    /// <summary>Updates done before.</summary>
    public long Step { get; }

    public double Loss { get; }

    /// <summary>The backbone's.</summary>
    public double LearningRate { get; }
}
