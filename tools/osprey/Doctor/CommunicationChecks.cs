using Osprey.Interop.Mpi;

namespace Osprey.Tool.Doctor;

/// <summary>What ranks send one another, against what they must get. All ranks run it; rank 0 has the checks.</summary>
static class CommunicationChecks
{
    /// <summary>Long enough that MPI libraries leave their short-message ways.</summary>
    const int Length = 1_000_003;

    public static IReadOnlyList<Check> Run(ICommunicator ranks)
    {
        string of = $", {ranks.Size} ranks";
        return
        [
            new Check("MPI broadcast" + of, Worst(ranks, Broadcast(ranks)), 0),
            new Check("MPI all-reduce" + of, Worst(ranks, Sum(ranks)), 0),
            new Check("MPI gather" + of, Gather(ranks), 0),
        ];
    }

    static byte Value(int rank, int i) => (byte)((i * 31) + (rank * 7));

    static double Broadcast(ICommunicator ranks)
    {
        int root = ranks.Size - 1;
        byte[] data = new byte[Length];
        if (ranks.Rank == root)
            for (int i = 0; i < data.Length; i++) data[i] = Value(root, i);
        ranks.Broadcast(data, root);
        return data.Where((v, i) => v != Value(root, i)).Count();
    }

    /// <summary>Small whole numbers: their sums are exact in any order.</summary>
    static double Sum(ICommunicator ranks)
    {
        float[] values = new float[Length];
        for (int i = 0; i < values.Length; i++) values[i] = Value(ranks.Rank, i);
        // Beyond what a float holds.
        const double Far = 1L << 40;
        double[] wide = [.. values.Select(v => v + Far)];
        ranks.AllReduceSum(values);
        ranks.AllReduceSum(wide);
        return values.Where((v, i) => v != Enumerable.Range(0, ranks.Size).Sum(r => (float)Value(r, i)) || wide[i] != v + (ranks.Size * Far)).Count();
    }

    /// <summary>Of different lengths, one of them 0.</summary>
    static double Gather(ICommunicator ranks)
    {
        static byte[] Data(int rank) => [.. Enumerable.Range(0, rank * 100_003).Select(i => Value(rank, i))];
        byte[][] all = ranks.Gather(Data(ranks.Rank), 0);
        return ranks.Rank != 0 ? 0 : Enumerable.Range(0, ranks.Size).Count(r => !all[r].AsSpan().SequenceEqual(Data(r)));
    }

    static double Worst(ICommunicator ranks, double own) => ranks.Gather(BitConverter.GetBytes(own), 0).Select(b => BitConverter.ToDouble(b)).DefaultIfEmpty(0).Max();
}
