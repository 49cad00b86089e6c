#nullable disable
#pragma warning disable IDE0005 // System is implicit in Tests and needed in the MSBuild task.
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Osprey.Build
{
    /// <summary>
    /// Makes TorchSharp's native library loadable where the system's libstdc++ is older than GCC 13.
    /// </summary>
    /// <remarks>
    /// libLibTorchSharp.so asks for version GLIBCXX_3.4.32 because of one symbol, std::ios_base_library_init(), which headers of
    /// GCC 13 mention only to pull the stream initialiser into a static link: nothing calls it. Debian 12, Ubuntu 22.04 and
    /// RHEL 9 stop at 3.4.30. The fix marks that version requirement and that symbol weak, so that the loader does without both.
    /// The file is replaced, never written in place: outputs may be hard links into the package cache.
    /// Runs as an MSBuild task at build (Directory.Build.targets), so it keeps to what netstandard2.0 offers.
    /// </remarks>
    public static class GlibcxxFixup
    {
        public const string Version = "GLIBCXX_3.4.32";
        public const string Symbol = "_ZSt21ios_base_library_initv";

        const int SectionDynsym = 11, SectionVerneed = 0x6ffffffe, SectionVersym = 0x6fffffff;
        const ushort WeakVersion = 2;
        const int WeakBinding = 2, GlobalBinding = 1;

        /// <summary>True if one of the system's libstdc++ files defines <see cref="Version"/>, or none is found to ask.</summary>
        public static bool SystemHasVersion(IEnumerable<string> libraries)
        {
            bool found = false;
            foreach (string library in libraries)
            {
                if (!File.Exists(library)) continue;
                found = true;
                if (IndexOf(File.ReadAllBytes(library), Encoding.ASCII.GetBytes(Version + "\0")) >= 0) return true;
            }
            return !found;
        }

        /// <summary>Where Linux distributions keep libstdc++ for x86-64.</summary>
        public static readonly string[] SystemLibraries =
        {
            "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/lib/x86_64-linux-gnu/libstdc++.so.6",
            "/usr/lib64/libstdc++.so.6", "/lib64/libstdc++.so.6", "/usr/lib/libstdc++.so.6",
        };

        /// <summary>Patches the file if it still asks for the version strongly. Returns false if there was nothing to do.</summary>
        /// <exception cref="InvalidDataException">The file is not the ELF layout this fix was written for.</exception>
        public static bool Patch(string path)
        {
            byte[] elf = File.ReadAllBytes(path);
            if (!PatchBytes(elf, path)) return false;
            string aside = path + ".fixup";
            File.WriteAllBytes(aside, elf);
            File.Delete(path);
            File.Move(aside, path);
            return true;
        }

        public static bool PatchBytes(byte[] elf, string name)
        {
            try
            {
                return PatchSections(elf, name);
            }
            catch (Exception e) when (e is ArgumentException || e is IndexOutOfRangeException || e is OverflowException)
            {
                throw Unexpected(name, "an offset points outside the file");
            }
        }

        static bool PatchSections(byte[] elf, string name)
        {
            if (elf.Length < 64 || elf[0] != 0x7f || elf[1] != 'E' || elf[2] != 'L' || elf[3] != 'F') throw Unexpected(name, "it is not an ELF file");
            if (elf[4] != 2 || elf[5] != 1) throw Unexpected(name, "it is not 64-bit little-endian");

            Section dynsym = null, verneed = null, versym = null;
            var sections = new List<Section>();
            long table = BitConverter.ToInt64(elf, 40);
            int entry = BitConverter.ToUInt16(elf, 58), count = BitConverter.ToUInt16(elf, 60);
            if (entry < 64) throw Unexpected(name, "its section headers are " + entry + " bytes, not 64");
            for (int i = 0; i < count; i++)
            {
                int at = checked((int)(table + (long)i * entry));
                var section = new Section
                {
                    Type = BitConverter.ToInt32(elf, at + 4),
                    Offset = checked((int)BitConverter.ToInt64(elf, at + 24)),
                    Size = checked((int)BitConverter.ToInt64(elf, at + 32)),
                    Link = BitConverter.ToInt32(elf, at + 40),
                    Info = BitConverter.ToInt32(elf, at + 44),
                };
                sections.Add(section);
                if (section.Type == SectionDynsym) dynsym = section;
                if (section.Type == SectionVerneed) verneed = section;
                if (section.Type == SectionVersym) versym = section;
            }
            if (dynsym == null || verneed == null || versym == null) throw Unexpected(name, "it has no dynamic symbols with versions");
            int strings = sections[dynsym.Link].Offset, versionStrings = sections[verneed.Link].Offset;

            int requirement = FindRequirement(elf, verneed, versionStrings);
            if (requirement < 0) return false;
            if ((BitConverter.ToUInt16(elf, requirement + 4) & WeakVersion) != 0) return false;
            ushort index = BitConverter.ToUInt16(elf, requirement + 6);

            var users = new List<int>();
            for (int i = 0; i < dynsym.Size / 24; i++)
                if ((BitConverter.ToUInt16(elf, versym.Offset + 2 * i) & 0x7fff) == index) users.Add(dynsym.Offset + 24 * i);
            if (users.Count != 1) throw Unexpected(name, users.Count + " symbols need " + Version + ", not one");
            int symbol = users[0];
            string symbolName = ReadString(elf, strings + BitConverter.ToInt32(elf, symbol));
            if (symbolName != Symbol) throw Unexpected(name, "the symbol that needs " + Version + " is " + symbolName + ", not " + Symbol);
            if (elf[symbol + 4] >> 4 != GlobalBinding || BitConverter.ToUInt16(elf, symbol + 6) != 0)
                throw Unexpected(name, Symbol + " is not an undefined global symbol");

            elf[symbol + 4] = (byte)(WeakBinding << 4 | elf[symbol + 4] & 15);
            elf[requirement + 4] |= (byte)WeakVersion;
            return true;
        }

        /// <summary>Offset of the vernaux entry that names <see cref="Version"/>, or −1.</summary>
        static int FindRequirement(byte[] elf, Section verneed, int strings)
        {
            int file = verneed.Offset;
            for (int f = 0; f < verneed.Info; f++)
            {
                int versions = BitConverter.ToUInt16(elf, file + 2);
                int version = checked(file + BitConverter.ToInt32(elf, file + 8));
                for (int v = 0; v < versions; v++)
                {
                    if (ReadString(elf, strings + BitConverter.ToInt32(elf, version + 8)) == Version) return version;
                    version = checked(version + BitConverter.ToInt32(elf, version + 12));
                }
                file = checked(file + BitConverter.ToInt32(elf, file + 12));
            }
            return -1;
        }

        static string ReadString(byte[] bytes, int at)
        {
            int end = Array.IndexOf(bytes, (byte)0, at);
            return Encoding.ASCII.GetString(bytes, at, end - at);
        }

        static int IndexOf(byte[] bytes, byte[] what)
        {
            for (int i = Array.IndexOf(bytes, what[0]); i >= 0 && i <= bytes.Length - what.Length; i = Array.IndexOf(bytes, what[0], i + 1))
            {
                int j = 1;
                while (j < what.Length && bytes[i + j] == what[j]) j++;
                if (j == what.Length) return i;
            }
            return -1;
        }

        static InvalidDataException Unexpected(string name, string what) => new InvalidDataException(
            name + " cannot be made to load on this system's libstdc++ (older than GCC 13): " + what
            + ". This fix-up knows TorchSharp 0.107; use that version, or a system whose libstdc++ has " + Version + ".");

        sealed class Section
        {
            public int Type, Offset, Size, Link, Info;
        }
    }

#if !FIXUP_WITHOUT_MSBUILD
    public sealed class FixGlibcxx : Microsoft.Build.Utilities.Task
    {
        [Microsoft.Build.Framework.Required]
        public string Library { get; set; }

        public override bool Execute()
        {
            try
            {
                if (GlibcxxFixup.SystemHasVersion(GlibcxxFixup.SystemLibraries)) return true;
                if (GlibcxxFixup.Patch(Library))
                    Log.LogMessage(Microsoft.Build.Framework.MessageImportance.Normal, "{0}: {1} is no longer required", Library, GlibcxxFixup.Version);
                return true;
            }
            catch (Exception e) when (e is InvalidDataException || e is IOException || e is UnauthorizedAccessException)
            {
                Log.LogError(e.Message);
                return false;
            }
        }
    }
#endif
}
