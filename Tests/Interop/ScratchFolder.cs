namespace Osprey.Tests.Interop;

/// <summary>A folder for one test's files, gone afterwards.</summary>
sealed class ScratchFolder : IDisposable
{
    readonly string root = Directory.CreateTempSubdirectory("osprey-test-").FullName;

    public string this[string name] => Path.Combine(root, name);

    public string Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(this[name], bytes);
        return this[name];
    }

    public string[] Files => [.. Directory.GetFiles(root).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(root, recursive: true);
}
