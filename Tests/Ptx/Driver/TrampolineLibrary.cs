using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Osprey.Tests.Ptx.Driver;

/// <summary>
/// A shared library of a given name, made of bytes (ELF, x86-64), whose functions jump to where a table says and return <paramref name="empty"/> where
/// it says nothing. Once loaded, whoever asks the loader for that name gets it: the loader compares with the SONAME of what is there already.
/// </summary>
sealed class TrampolineLibrary(string soname, IReadOnlyList<string> functions, int empty)
{
    const string Table = "trampolines";
    const int Page = 0x1000, HeaderSize = 64, ProgramHeaderSize = 56, ProgramHeaders = 4, SymbolSize = 24, CodeSize = 32, DynamicEntries = 7;

    public static bool Possible => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <summary>Loads the library into this process and returns its table: an address for each function, all zero.</summary>
    public unsafe nint* Load()
    {
        string path = Path.Combine(Path.GetTempPath(), $"osprey-{Environment.ProcessId}-{soname}");
        File.WriteAllBytes(path, Build());
        try
        {
            return (nint*)NativeLibrary.GetExport(NativeLibrary.Load(path), Table);
        }
        finally
        {
            File.Delete(path);
        }
    }

    byte[] Build()
    {
        var strings = new MemoryStream();
        strings.WriteByte(0);
        int Add(string text)
        {
            int at = (int)strings.Position;
            strings.Write(Encoding.ASCII.GetBytes(text + "\0"));
            return at;
        }
        int nameOfLibrary = Add(soname), nameOfTable = Add(Table);
        int[] names = [.. functions.Select(Add)];

        int symbols = functions.Count + 2; // the first is none, the last the table
        int symbolsAt = HeaderSize + ProgramHeaders * ProgramHeaderSize, hashAt = symbolsAt + symbols * SymbolSize;
        int stringsAt = hashAt + 4 * (2 + 1 + symbols), codeAt = (stringsAt + (int)strings.Length + 15) / 16 * 16, codeEnd = codeAt + functions.Count * CodeSize;
        int dynamicAt = (codeEnd + Page - 1) / Page * Page, tableAt = dynamicAt + DynamicEntries * 16, end = tableAt + functions.Count * 8;

        byte[] file = new byte[end];
        void Int(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        void Long(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(at), value);
        void Short(int at, int value) => BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(at), (short)value);

        // Header: 64 bits, little-endian, shared object, x86-64.
        ((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]).CopyTo(file);
        Short(16, 3);
        Short(18, 62);
        Int(20, 1);
        Long(32, HeaderSize);
        Short(52, HeaderSize);
        Short(54, ProgramHeaderSize);
        Short(56, ProgramHeaders);
        Short(58, 64);

        void Segment(int index, int type, int flags, int at, int size, int align)
        {
            int header = HeaderSize + index * ProgramHeaderSize;
            Int(header, type);
            Int(header + 4, flags);
            foreach (int place in (int[])[8, 16, 24]) Long(header + place, at);
            Long(header + 32, size);
            Long(header + 40, size);
            Long(header + 48, align);
        }
        Segment(0, type: 1, flags: 5, 0, codeEnd, Page); // to be read and executed
        Segment(1, type: 1, flags: 6, dynamicAt, end - dynamicAt, Page); // to be read and written
        Segment(2, type: 2, flags: 6, dynamicAt, DynamicEntries * 16, 8); // what the loader reads
        Segment(3, type: 0x6474e551, flags: 6, 0, 0, 16); // a stack that is not executable

        void Symbol(int index, int name, int info, int at, int size)
        {
            int symbol = symbolsAt + index * SymbolSize;
            Int(symbol, name);
            file[symbol + 4] = (byte)info;
            Short(symbol + 6, 1);
            Long(symbol + 8, at);
            Long(symbol + 16, size);
        }
        for (int f = 0; f < functions.Count; f++) Symbol(f + 1, names[f], 0x12, codeAt + f * CodeSize, CodeSize);
        Symbol(symbols - 1, nameOfTable, 0x11, tableAt, functions.Count * 8);

        // One bucket: a chain through all symbols.
        Int(hashAt, 1);
        Int(hashAt + 4, symbols);
        Int(hashAt + 8, 1);
        for (int s = 1; s < symbols; s++) Int(hashAt + 12 + 4 * s, s + 1 < symbols ? s + 1 : 0);
        strings.ToArray().CopyTo(file, stringsAt);

        for (int f = 0; f < functions.Count; f++)
        {
            // mov rax, [rip + entry]; test rax, rax; jz +2; jmp rax; mov eax, empty; ret
            int at = codeAt + f * CodeSize;
            ((ReadOnlySpan<byte>)[0x48, 0x8b, 0x05, 0, 0, 0, 0, 0x48, 0x85, 0xc0, 0x74, 0x02, 0xff, 0xe0, 0xb8, 0, 0, 0, 0, 0xc3]).CopyTo(file.AsSpan(at));
            Int(at + 3, tableAt + 8 * f - (at + 7));
            Int(at + 15, empty);
        }

        (long Tag, long Value)[] dynamic = [(14, nameOfLibrary), (4, hashAt), (5, stringsAt), (6, symbolsAt), (10, strings.Length), (11, SymbolSize), (0, 0)];
        for (int d = 0; d < DynamicEntries; d++)
        {
            Long(dynamicAt + 16 * d, dynamic[d].Tag);
            Long(dynamicAt + 16 * d + 8, dynamic[d].Value);
        }
        return file;
    }
}
