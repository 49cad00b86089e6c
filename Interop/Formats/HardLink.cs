using System.Runtime.InteropServices;

namespace Osprey.Interop.Formats;

/// <summary>A second name for a file, of no size of its own: the content stays until both names are deleted.</summary>
/// <remarks>.NET 10 has symbolic links alone, which end with the file they name.</remarks>
public static partial class HardLink
{
    /// <summary>Makes the name where the system can.</summary>
    /// <param name="file">A file that is there.</param>
    /// <param name="name">What it is to be called, too.</param>
    /// <returns>False, and nothing was done, where there is no such file, where something has that name already, across file systems, on file systems without such links, and on Windows.</returns>
    public static bool TryCreate(string file, string name) => !OperatingSystem.IsWindows() && Link(file, name) == 0;

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Link(string existing, string added);
}
