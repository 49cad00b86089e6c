using System.Globalization;

namespace Osprey.Engine.Retrieval;

/// <summary>
/// Which process makes which part of a store that several write: whoever first makes the part's file <c>claim-00012</c> in the store's folder, which one process alone can
/// (<c>O_EXCL</c>, that network file systems keep, too). So a fast process makes more of them than a slow one. Opening and finishing the store delete the claims.
/// </summary>
/// <param name="folder">The store's.</param>
sealed class PartClaims(string folder)
{
    /// <summary>Whether the part is this process's from here on.</summary>
    /// <exception cref="IOException">No file can be made there.</exception>
    public bool TryTake(PartRange part)
    {
        string claim = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"claim-{part.Number:00000}"));
        try
        {
            new FileStream(claim, FileMode.CreateNew, FileAccess.Write).Dispose();
            return true;
        }
        catch (IOException) when (File.Exists(claim))
        {
            return false;
        }
    }
}
