namespace Osprey.Engine.Evaluation;

/// <summary>Which of two attacks ought to be the stronger, and why. After the checks of Athalye et al. 2018 and Carlini et al. 2019.</summary>
public enum AttackCheckKind
{
    /// <summary>A larger ball holds the smaller; the smallest holds the clean image.</summary>
    LargerEpsilon,

    /// <summary>More gradient steps come nearer to the worst image of the ball.</summary>
    MoreSteps,

    /// <summary>The worst of several tries is no better than the first of them.</summary>
    MoreRestarts,

    /// <summary>Following the gradient does more than a step of the same length in a random direction.</summary>
    AboveNoise,

    /// <summary>Following the model's own gradient does more than following that of the first model.</summary>
    AboveTransfer,
}
