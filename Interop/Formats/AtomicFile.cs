using System.Text;

namespace Osprey.Interop.Formats;

/// <summary>Writes a file beside its name, flushes it to the disk and renames it: whenever the power fails, the name stands for all of the old content or all of the new.</summary>
public static class AtomicFile
{
    /// <param name="path">The file; its folder must exist. One of this name is replaced.</param>
    /// <param name="write">Writes the content to a stream that can seek, and be read back. If it throws, <paramref name="path"/> is as before.</param>
    public static void Write(string path, Action<FileStream> write) => Write(path, write, static (file, action) => action(file));

    /// <param name="path">The file; its folder must exist. One of this name is replaced.</param>
    /// <param name="content">Handed to <paramref name="write"/>; may be a span.</param>
    /// <param name="write">Writes the content to a stream that can seek. If it throws, <paramref name="path"/> is as before.</param>
    public static void Write<T>(string path, T content, Action<FileStream, T> write)
        where T : allows ref struct
    {
        string aside = path + ".tmp";
        try
        {
            using (var file = new FileStream(aside, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                write(file, content);
                file.Flush(flushToDisk: true);
            }
            File.Move(aside, path, overwrite: true);
        }
        catch
        {
            if (File.Exists(aside)) File.Delete(aside);
            throw;
        }
    }

    /// <inheritdoc cref="Write(string, Action{FileStream})"/>
    public static void Write(string path, byte[] content) => Write(path, file => file.Write(content));

    /// <summary>Text as UTF-8, without a byte order mark.</summary>
    /// <inheritdoc cref="Write(string, Action{FileStream})"/>
    public static void Write(string path, string content) => Write(path, Encoding.UTF8.GetBytes(content));
}
