using System.Text.Json;
using Osprey.Engine.Distributed;
using Osprey.Interop.Mpi;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>Where the ranks of one training run meet besides the steps: one does it, and all know. Of a process by itself each is what it says and no more.</summary>
internal static class TrainingTeam
{
    /// <summary><see cref="RunFolder.Open"/> by rank 0, once all ranks are seen to be about to train the same.</summary>
    /// <remarks>How many ranks there are is no part of a run, and neither are their threads: both change the last digits alone.</remarks>
    /// <exception cref="RankFailedException">A rank was started with other images, weights or options, or rank 0 cannot open the folder.</exception>
    public static void Open(ICommunicator ranks, string run, RunConfig config, bool resume)
    {
        ranks.EnsureAlike(() => config.WithoutSaving() with { Threads = 0 }, "the ranks would train differently");
        ranks.RunOnAll(() => { if (ranks.Rank == 0) RunFolder.Open(run, config, resume, anyThreads: ranks.Size > 1); });
    }

    /// <summary>The state that the run goes on from, and every tensor as rank 0 has it: of its checkpoint, or where there is none of its start.</summary>
    public static TrainState Begin(BatchShare share, string run, IReadOnlyDictionary<string, Tensor> tensors)
    {
        TrainState state = share.Ranks.RunOnAll(() => share.Ranks.Rank == 0 ? Checkpoint.Read(run, tensors) : null) ?? new TrainState(0, 0, 0);
        if (share.IsWhole) return state;
        share.Spread(tensors.Values);
        return JsonSerializer.Deserialize<TrainState>(share.Ranks.BroadcastBytes(JsonSerializer.SerializeToUtf8Bytes(state, Json.Line)), Json.Line)!;
    }

    /// <summary>A number that rank 0 measures for all.</summary>
    public static double Measure(BatchShare share, Func<double> measure)
    {
        double[] measured = [share.Ranks.RunOnAll(() => share.Ranks.Rank == 0 ? measure() : 0)];
        // The other ranks add nothing.
        share.Ranks.AllReduceSum(measured);
        return measured[0];
    }

    /// <summary>What all ranks could not read; each file once.</summary>
    public static IReadOnlyList<BadFile> Join(BatchShare share, IReadOnlyList<BadFile> own) => [.. share.Ranks.JoinRecords(own).DistinctBy(f => f.Path)];

    /// <summary>What ends all ranks at the same step, as one failure.</summary>
    public static Exception Together(BatchShare share, Exception failure) => share.IsWhole ? failure : new RankFailedException(failure);
}
