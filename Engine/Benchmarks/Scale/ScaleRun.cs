using System.Text.Json;

namespace Osprey.Engine.Benchmarks.Scale;

/// <summary>One search that was run: a line of <c>runs.jsonl</c>, which <c>tools/scale.sh</c> appends to.</summary>
public sealed record ScaleRun
{
    /// <summary>N.</summary>
    public required long Rows { get; init; }

    /// <summary>D.</summary>
    public required int Dimension { get; init; }

    /// <summary>R: 1 for one process, which opens the index; more read their rows from the store and code them.</summary>
    public required int Ranks { get; init; }

    /// <summary>Of each rank.</summary>
    public required int Threads { get; init; }

    /// <summary>That all ranks together may use.</summary>
    public required int Cores { get; init; }

    /// <summary>Q.</summary>
    public required int Queries { get; init; }

    public required int K { get; init; }

    /// <summary>Which of the turns, from 0.</summary>
    public required int Turn { get; init; }

    /// <summary>From the start of the process, or of mpirun, to its end.</summary>
    public required double Seconds { get; init; }

    /// <summary>Opening the store's parts, and reading queries.</summary>
    public required double PrepareSeconds { get; init; }

    /// <summary>Opening the index, or reading and coding the ranks' rows.</summary>
    public required double OpenSeconds { get; init; }

    /// <summary>The search, with the exchange between ranks.</summary>
    public required double SearchSeconds { get; init; }

    /// <summary>Of the largest process, resident.</summary>
    public required long PeakBytes { get; init; }

    /// <summary>Of the store without its index.</summary>
    public required long StoreBytes { get; init; }

    public required long IndexBytes { get; init; }

    /// <summary>Load average as the run began, of one minute: what else the machine did.</summary>
    public required double Load { get; init; }

    /// <summary>Cores that work at once.</summary>
    public int Workers => Math.Min(Cores, Ranks * Threads);

    /// <summary>Over the turns of one search.</summary>
    internal static double Median(IEnumerable<ScaleRun> turns, Func<ScaleRun, double> of) => Measurement.Quartile([.. turns.Select(of)], 2);

    /// <summary>Reads <c>runs.jsonl</c>.</summary>
    /// <exception cref="InvalidDataException">A line is none; the message names it.</exception>
    public static IReadOnlyList<ScaleRun> Read(string path)
    {
        var runs = new List<ScaleRun>();
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (line.Length == 0) continue;
            try
            {
                runs.Add(JsonSerializer.Deserialize<ScaleRun>(line, Json.Line) ?? throw new JsonException("null"));
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"{path}, line {number}, is no run: {e.Message}", e);
            }
        }
        return runs.Count > 0 ? runs : throw new InvalidDataException($"{path} holds no runs; make some with tools/scale.sh");
    }
}
