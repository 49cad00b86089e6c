namespace Osprey.Engine.Model;

/// <summary>A network in evaluation mode on its main statistics while this lives, and as it was afterwards.</summary>
readonly struct EvaluationMode : IDisposable
{
    readonly Embedder embedder;
    readonly bool training;
    readonly NormBranch branch;

    public EvaluationMode(Embedder embedder)
    {
        this.embedder = embedder;
        training = embedder.training;
        branch = embedder.Branch;
        embedder.eval();
        embedder.Branch = NormBranch.Main;
    }

    public void Dispose()
    {
        embedder.train(training);
        embedder.Branch = branch;
    }
}
