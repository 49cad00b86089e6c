namespace Osprey.Engine.Training;

/// <param name="Directory">The run folder, whose <c>model.safetensors</c> and <c>model.json</c> hold the outcome.</param>
/// <param name="Steps">Updates of the whole run, whether it reached its last epoch or stopped early.</param>
/// <param name="Loss">Mean of the last epoch.</param>
/// <param name="ImagesPerSecond">Of the steps made in this call, after the first; 0 where there were fewer than two.</param>
/// <param name="BadFiles">Images that could not be read; others stood in for them.</param>
/// <param name="BestEpoch">The epoch whose weights the outcome is, 1-based; null where nothing was held out.</param>
/// <param name="HeldOutMap">Its mean average precision on the held-out part.</param>
public sealed record TrainResult(string Directory, long Steps, double Loss, double ImagesPerSecond, IReadOnlyList<BadFile> BadFiles, int? BestEpoch = null, double? HeldOutMap = null);
