namespace Osprey.Interop.Formats;

/// <summary>A matrix [N, D] in a file, read as float32, a range of rows at a time.</summary>
public interface IRowFile : IDisposable
{
    /// <summary>N.</summary>
    long Count { get; }

    /// <summary>D, 1 or more.</summary>
    int Dimension { get; }

    /// <summary>Reads rows first … first + rows.Length/D − 1.</summary>
    /// <param name="first">0…N.</param>
    /// <param name="rows">A whole number of rows; overwritten.</param>
    /// <exception cref="ArgumentException">The range is not inside the matrix.</exception>
    void Read(long first, Span<float> rows);
}
