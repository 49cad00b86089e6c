namespace Osprey.Tool.Hosting;

static class InputFile
{
    /// <exception cref="FileNotFoundException">It is not there; the message says what is wrong instead.</exception>
    public static string Required(string path)
    {
        if (File.Exists(path)) return path;
        if (Directory.Exists(path)) throw new FileNotFoundException($"{path} is a folder; give a file");
        throw new FileNotFoundException($"there is no file {path}");
    }

    /// <summary>Checks that a file can be made there before hours of work end in an error.</summary>
    /// <exception cref="DirectoryNotFoundException">Its folder is missing.</exception>
    public static string Writable(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".";
        if (Directory.Exists(path)) throw new IOException($"{path} is a folder; give the name of a file");
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"there is no folder {folder} to write {Path.GetFileName(path)} to; make it first");
        return path;
    }
}
