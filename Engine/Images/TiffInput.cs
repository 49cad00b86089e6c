using BitMiracle.LibTiff.Classic;

namespace Osprey.Engine.Images;

/// <summary>The bytes LibTiff reads, and the place where its complaints go instead of the console.</summary>
sealed class TiffInput : TiffStream
{
    readonly Stream stream;

    static TiffInput() => Tiff.SetErrorHandler(new Complaints());

    public TiffInput(Stream stream) => this.stream = stream;

    /// <summary>The first error since opening; the ones after it follow from it.</summary>
    public string? Error { get; private set; }

    /// <exception cref="InvalidDataException">LibTiff does not take the file.</exception>
    public Tiff Open() => Tiff.ClientOpen("image", "r", this, this) ?? throw Failure("cannot be opened");

    public InvalidDataException Failure(string what) => new($"the TIFF file {what}{(Error is null ? "" : $": {Error}")}");

    public override int Read(object clientData, byte[] buffer, int offset, int count) => stream.ReadAtLeast(buffer.AsSpan(offset, count), count, throwOnEndOfStream: false);

    public override long Seek(object clientData, long offset, SeekOrigin origin) => offset < 0 || offset > stream.Length ? -1 : stream.Seek(offset, origin);

    public override long Size(object clientData) => stream.Length;

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
            if (clientData is TiffInput input) input.Error ??= string.Format(System.Globalization.CultureInfo.InvariantCulture, format, args);
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
