namespace Osprey.Engine;

/// <summary>How far a long piece of work is. Whoever shows it works out rate and time left.</summary>
/// <param name="Stage">What is being done, as a user would say it: <c>embedding</c>, <c>epoch 2/4</c>.</param>
/// <param name="Done">Units finished, 0…<paramref name="Total"/>.</param>
/// <param name="Total">Units in all; 0 where unknown.</param>
/// <param name="Unit">What is counted: <c>images</c>, <c>steps</c>.</param>
/// <param name="Detail">A figure worth watching, such as <c>loss 3.21</c>; may be empty.</param>
public readonly record struct Progress(string Stage, long Done, long Total, string Unit, string Detail = "");

/// <summary>A file that could not be used, and why, in a few words. Skipped, counted and named; never fatal by itself.</summary>
public sealed record BadFile(string Path, string Reason);
