using NUnit.Framework;
using Osprey.Engine.Distributed;
using Osprey.Engine.Retrieval;

namespace Osprey.Tests.Engine.Distributed;

[TestFixture]
public class ShardEnvironmentTests
{
    /// <param name="variables">Such as <c>A=1 B=2</c>.</param>
    /// <param name="count">As given by the user.</param>
    static (StoreShard Shard, string Variable)? Of(string variables, int? count = null)
    {
        Dictionary<string, string> all = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('=')).ToDictionary(v => v[0], v => v[1]);
        return ShardEnvironment.Of(all.GetValueOrDefault, count);
    }

    const string Slurm = "SLURM_ARRAY_TASK_ID=";

    [TestCase("", null, null, null)]
    [TestCase("", 4, null, null)]
    [TestCase("JOB_COMPLETION_INDEX=3", null, null, null, Description = "Kubernetes says no total")]
    [TestCase("JOB_COMPLETION_INDEX=3", 4, 3, 4)]
    [TestCase(Slurm + "2 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_STEP=1 SLURM_ARRAY_TASK_COUNT=8", null, 2, 8)]
    [TestCase(Slurm + "8 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=8 SLURM_ARRAY_TASK_STEP=1 SLURM_ARRAY_TASK_COUNT=8", null, 7, 8, Description = "arrays that count from 1")]
    [TestCase(Slurm + "20 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_MAX=30 SLURM_ARRAY_TASK_STEP=10 SLURM_ARRAY_TASK_COUNT=3", null, 1, 3)]
    [TestCase(Slurm + "2 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=8", 16, 2, 16, Description = "an array that does a part of the shares")]
    [TestCase(Slurm + "8 SLURM_ARRAY_TASK_MIN=8 SLURM_ARRAY_TASK_MAX=15 SLURM_ARRAY_TASK_STEP=1 SLURM_ARRAY_TASK_COUNT=8", 16, 8, 16, Description = "the second half")]
    [TestCase(Slurm + "15 SLURM_ARRAY_TASK_MIN=8 SLURM_ARRAY_TASK_MAX=15 SLURM_ARRAY_TASK_STEP=1 SLURM_ARRAY_TASK_COUNT=8", 16, 15, 16)]
    [TestCase(Slurm + "15 SLURM_ARRAY_TASK_MIN=8 SLURM_ARRAY_TASK_MAX=15 SLURM_ARRAY_TASK_STEP=1 SLURM_ARRAY_TASK_COUNT=8", 8, 7, 8, Description = "as many as tasks: counted from the least id")]
    [TestCase(Slurm + "6 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=14 SLURM_ARRAY_TASK_STEP=2 SLURM_ARRAY_TASK_COUNT=8", 16, 6, 16, Description = "every second share")]
    [TestCase(Slurm + "11 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=11 SLURM_ARRAY_TASK_STEP=1 SLURM_ARRAY_TASK_COUNT=3", 16, 11, 16, Description = "3, 5 and 11 once more")]
    [TestCase(Slurm + "3", 4, 3, 4, Description = "a Slurm that says no count")]
    public void The_share_is_that_of_the_job(string variables, int? count, int? index, int? of) =>
        Assert.That(Of(variables, count)?.Shard, Is.EqualTo(index is null ? null : new StoreShard(index.Value, of!.Value)));

    [TestCase(Slurm + "7 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=3", null, "gaps")]
    [TestCase(Slurm + "3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=3", 3, "gaps")]
    [TestCase(Slurm + "16 SLURM_ARRAY_TASK_MIN=9 SLURM_ARRAY_TASK_MAX=16 SLURM_ARRAY_TASK_COUNT=8", 16, "share 16 of 16")]
    [TestCase(Slurm + "1", null, "SLURM_ARRAY_TASK_COUNT is not")]
    [TestCase("JOB_COMPLETION_INDEX=4", 4, "share 4 of 4")]
    [TestCase(Slurm + "5 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=8", 4, "share 5 of 4")]
    public void What_gives_no_share_is_refused(string variables, int? count, string message) =>
        Assert.That(() => Of(variables, count), Throws.ArgumentException.With.Message.Contains(message));
}
