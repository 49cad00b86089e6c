using System.Formats.Tar;
using System.Text;

namespace Osprey.Tests.Engine.Sources;

/// <summary>Tar archives made in memory.</summary>
static class Shards
{
    public static byte[] Tar(TarEntryFormat format, params (string Name, byte[] Bytes)[] members)
    {
        var file = new MemoryStream();
        using (var tar = new TarWriter(file, format, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in members)
            {
                TarEntryType type = name.EndsWith('/') ? TarEntryType.Directory : format == TarEntryFormat.V7 ? TarEntryType.V7RegularFile : TarEntryType.RegularFile;
                TarEntry entry = format switch
                {
                    TarEntryFormat.V7 => new V7TarEntry(type, name),
                    TarEntryFormat.Ustar => new UstarTarEntry(type, name),
                    TarEntryFormat.Gnu => new GnuTarEntry(type, name),
                    _ => new PaxTarEntry(type, name),
                };
                if (type != TarEntryType.Directory) entry.DataStream = new MemoryStream(bytes);
                tar.WriteEntry(entry);
            }
        }
        return file.ToArray();
    }

    public static byte[] Tar(params (string Name, byte[] Bytes)[] members) => Tar(TarEntryFormat.Ustar, members);

    public static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);
}
