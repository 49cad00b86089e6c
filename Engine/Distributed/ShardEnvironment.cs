using System.Globalization;
using Osprey.Engine.Retrieval;

namespace Osprey.Engine.Distributed;

/// <summary>Which share of a job a batch system has given this process, by the environment that it sets: an array of Slurm, or an indexed job of Kubernetes.</summary>
public static class ShardEnvironment
{
    /// <summary>The share, and the variable it was read from; null where there is none.</summary>
    /// <param name="variable">Value of an environment variable, null where there is none.</param>
    /// <param name="count">Shares altogether, where the user says it: Kubernetes does not. Null: what the batch system says. Where an array of Slurm has another number of tasks, it does some of the shares, and a task's id is its share.</param>
    /// <exception cref="ArgumentException">The variables give no share of that count; the message shows them.</exception>
    public static (StoreShard Shard, string Variable)? Of(Func<string, string?> variable, int? count)
    {
        if (Number("SLURM_ARRAY_TASK_ID") is int task)
        {
            int? tasks = Number("SLURM_ARRAY_TASK_COUNT");
            int of = count ?? tasks ?? throw new ArgumentException("SLURM_ARRAY_TASK_ID is set and SLURM_ARRAY_TASK_COUNT is not; give the number of shares with --shard N");
            // An array of some of the shares, 8-15 of 16: its ids are theirs.
            if (tasks != of) return (Checked(task, of, "SLURM_ARRAY_TASK_ID"), "SLURM_ARRAY_TASK_ID");
            int first = Number("SLURM_ARRAY_TASK_MIN") ?? 0, last = Number("SLURM_ARRAY_TASK_MAX") ?? task, step = Math.Max(1, Number("SLURM_ARRAY_TASK_STEP") ?? 1);
            if ((last - first) / step + 1 != tasks)
                throw new ArgumentException($"the array's task ids {first} to {last} have gaps (SLURM_ARRAY_TASK_COUNT is {tasks}), so the share is unclear; give it with --shard I/N");
            return (Checked((task - first) / step, of, "SLURM_ARRAY_TASK_ID"), "SLURM_ARRAY_TASK_ID");
        }
        if (count is int n && Number("JOB_COMPLETION_INDEX") is int index) return (Checked(index, n, "JOB_COMPLETION_INDEX"), "JOB_COMPLETION_INDEX");
        return null;

        int? Number(string name) => int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;
    }

    static StoreShard Checked(int index, int count, string variable) => index < count
        ? new StoreShard(index, count)
        : throw new ArgumentException($"{variable} makes this share {index} of {count}, and they count from 0; give the right number of shares with --shard N");
}
