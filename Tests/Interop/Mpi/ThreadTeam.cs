using Osprey.Interop.Mpi;

namespace Osprey.Tests.Interop.Mpi;

/// <summary>Ranks that are threads of this process: what is written for processes is tested where no MPI is.</summary>
sealed class ThreadTeam(int size) : IDisposable
{
    readonly Barrier barrier = new(size);
    readonly byte[][] sent = new byte[size][];
    readonly float[][] terms = new float[size][];
    readonly double[][] wideTerms = new double[size][];
    readonly CancellationTokenSource aborted = new();

    /// <summary>Runs the same on every rank and gives their results in order; the first exception if one throws.</summary>
    public static T[] Run<T>(int size, Func<ICommunicator, T> work)
    {
        using var team = new ThreadTeam(size);
        T[] results = new T[size];
        var failures = new Exception?[size];
        Thread[] threads = [.. Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            try
            {
                results[rank] = work(new Member(team, rank));
            }
            catch (Exception e)
            {
                failures[rank] = e;
                // As a process that dies ends the job: nobody waits for it for ever.
                if (e is not Osprey.Engine.Distributed.RankFailedException) team.aborted.Cancel();
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        if (failures.FirstOrDefault(f => f is not null and not OperationCanceledException) is { } first) throw first;
        return results;
    }

    void Wait() => barrier.SignalAndWait(aborted.Token);

    public void Dispose()
    {
        barrier.Dispose();
        aborted.Dispose();
    }

    sealed class Member(ThreadTeam team, int rank) : ICommunicator
    {
        public int Rank => rank;

        public int Size => team.sent.Length;

        public void Barrier() => team.Wait();

        public void Broadcast(Span<byte> data, int root)
        {
            if (rank == root) team.sent[rank] = data.ToArray();
            team.Wait();
            if (team.sent[root].Length != data.Length) throw new ArgumentException($"{team.sent[root].Length} bytes were sent to room for {data.Length}");
            team.sent[root].CopyTo(data);
            team.Wait();
        }

        public void AllReduceSum(Span<float> values)
        {
            team.terms[rank] = values.ToArray();
            team.Wait();
            for (int i = 0; i < values.Length; i++) values[i] = team.terms.Sum(t => t[i]);
            team.Wait();
        }

        public void AllReduceSum(Span<double> values)
        {
            team.wideTerms[rank] = values.ToArray();
            team.Wait();
            for (int i = 0; i < values.Length; i++) values[i] = team.wideTerms.Sum(t => t[i]);
            team.Wait();
        }

        public byte[][] Gather(ReadOnlySpan<byte> data, int root)
        {
            team.sent[rank] = data.ToArray();
            team.Wait();
            byte[][] all = rank == root ? [.. team.sent] : [];
            team.Wait();
            return all;
        }

        public void Abort(int exitCode) => team.aborted.Cancel();

        public void Dispose()
        {
        }
    }
}
