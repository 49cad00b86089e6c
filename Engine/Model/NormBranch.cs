namespace Osprey.Engine.Model;

/// <summary>Which set of batch-normalisation parameters and statistics is used. Xie et al. 2020, "Adversarial examples improve image recognition".</summary>
public enum NormBranch
{
    /// <summary>Clean images; the one an evaluation uses.</summary>
    Main,

    /// <summary>Adversarial images, during training.</summary>
    Auxiliary,
}
