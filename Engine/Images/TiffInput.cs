using System.Globalization;
using BitMiracle.LibTiff.Classic;

namespace Osprey.Engine.Images;

/// <summary>
/// What LibTiff reads: a directory of ours, then the file from its first byte on. And the place where its complaints go instead of the console.
/// </summary>
sealed class TiffInput : TiffStream
{
    /// <summary>What LibTiff takes the file to be called; its messages often start with it, ours name the real file.</summary>
    const string Name = "image";

    readonly byte[] directory;
    readonly Stream stream;
    long position;

    static TiffInput() => Tiff.SetErrorHandler(new Complaints());

    /// <param name="directory">Header and image directory; see <see cref="TiffDirectory"/>.</param>
    /// <param name="stream">The file; seekable.</param>
    public TiffInput(byte[] directory, Stream stream)
    {
        this.directory = directory;
        this.stream = stream;
    }

    /// <summary>The first error since opening; the ones after it follow from it.</summary>
    public string? Error { get; private set; }

    /// <exception cref="InvalidDataException">LibTiff does not take the file.</exception>
    public Tiff Open() => Tiff.ClientOpen(Name, "r", this, this) ?? throw Failure("cannot be opened");

    public InvalidDataException Failure(string what) => new($"the TIFF file {what}{(Error is null ? "" : $": {Error}")}");

    public override int Read(object clientData, byte[] buffer, int offset, int count)
    {
        Span<byte> target = buffer.AsSpan(offset, count);
        int read = 0;
        if (position < directory.Length)
        {
            read = (int)Math.Min(count, directory.Length - position);
            directory.AsSpan((int)position, read).CopyTo(target);
        }
        if (read < count)
        {
            stream.Position = position + read - directory.Length;
            read += stream.ReadAtLeast(target[read..], count - read, throwOnEndOfStream: false);
        }
        position += read;
        return read;
    }

    public override long Seek(object clientData, long offset, SeekOrigin origin)
    {
        long target = origin switch { SeekOrigin.Begin => offset, SeekOrigin.Current => position + offset, _ => Size(clientData) + offset };
        return target < 0 || target > Size(clientData) ? -1 : position = target;
    }

    public override long Size(object clientData) => directory.Length + stream.Length;

    public override void Write(object clientData, byte[] buffer, int offset, int count) => throw new NotSupportedException("images are only read");

    public override void Close(object clientData)
    {
    }

    /// <summary>LibTiff has one handler for the whole process; it tells the files apart by what they were opened with.</summary>
    sealed class Complaints : TiffErrorHandler
    {
        public override void ErrorHandler(Tiff tif, string method, string format, params object[] args)
        {
        }

        public override void ErrorHandlerExt(Tiff tif, object clientData, string method, string format, params object[] args)
        {
            if (clientData is TiffInput input) input.Error ??= string.Format(CultureInfo.InvariantCulture, format, args).Replace(Name + ": ", "", StringComparison.Ordinal);
        }

        /// <summary>Warnings are about tags that do not bear on the pixels.</summary>
        public override void WarningHandler(Tiff tif, string method, string format, params object[] args)
        {
        }

        public override void WarningHandlerExt(Tiff tif, object clientData, string method, string format, params object[] args)
        {
        }
    }
}
