namespace Osprey.Engine.Distributed;

/// <summary>Thrown on every rank alike where one of them has failed: all leave together, and none waits for another.</summary>
public sealed class RankFailedException : Exception
{
    /// <param name="cause">What the others are told of the failure; its kind is that of the error.</param>
    public RankFailedException(Exception cause)
        : base(cause.Message, cause)
    {
    }
}
