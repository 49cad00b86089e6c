using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using NUnit.Framework;

namespace Osprey.Tests.House;

/// <summary>Doors open one way: Kernels ← Interop ← Engine ← tools. Read from the compiled assemblies, not from what the projects say.</summary>
[TestFixture]
public class ArchitectureTests
{
    const string Kernels = "Osprey.Kernels", Interop = "Osprey.Interop", Engine = "Osprey.Engine", Tool = "osprey";

    static readonly string[] Rooms = [Kernels, Interop, Engine, Tool];

    [TestCase(Kernels, Interop, Engine, Tool)]
    [TestCase(Interop, Engine, Tool)]
    [TestCase(Engine, Tool)]
    public void A_room_knows_none_of_those_built_on_it(string room, params string[] later) =>
        Assert.That(Assembly.Read(room).References.Intersect(later), Is.Empty);

    [Test]
    public void Kernels_know_no_torch() => Assert.That(Assembly.Read(Kernels).References.Where(r => r.Contains("orch", StringComparison.Ordinal)), Is.Empty);

    [Test]
    public void Kernels_open_no_file() =>
        Assert.That(Assembly.Read(Kernels).Members.Where(m => m.StartsWith("System.IO.File", StringComparison.Ordinal) || m.StartsWith("System.IO.Directory", StringComparison.Ordinal)), Is.Empty);

    [Test]
    public void Only_kernels_know_ilgpu() =>
        Assert.That(Rooms.Where(r => Assembly.Read(r).References.Any(a => a.StartsWith("ILGPU", StringComparison.Ordinal))), Is.EqualTo(new[] { Kernels }));

    [TestCase(Kernels)]
    [TestCase(Interop)]
    [TestCase(Engine)]
    public void Only_the_tool_writes_to_the_console(string room)
    {
        Assert.That(Assembly.Read(room).Members.Where(m => m.StartsWith("System.Console.", StringComparison.Ordinal)), Is.Empty);
        Assert.That(Assembly.Read(room).References, Has.None.EqualTo("Spectre.Console"));
    }

    /// <summary>Names by which a tensor gives away its memory. Only Interop may say them.</summary>
    static readonly string[] TensorMemory = ["data_ptr", "storage", "data", "get_bytes", "set_bytes", "get_Handle"];

    [TestCase(Engine)]
    [TestCase(Tool)]
    public void Only_interop_touches_the_memory_of_a_tensor(string room)
    {
        Assembly assembly = Assembly.Read(room);
        Assert.That(assembly.Members.Where(m => m.StartsWith("TorchSharp.", StringComparison.Ordinal) && TensorMemory.Contains(m[(m.LastIndexOf('.') + 1)..])), Is.Empty);
        Assert.That(assembly.Types, Has.None.EqualTo("System.Security.UnverifiableCodeAttribute"), "unsafe code");
    }

    [TestCase(Interop)]
    [TestCase(Engine)]
    public void Nobody_above_the_kernels_asks_which_device_runs(string room) =>
        Assert.That(Assembly.Read(room).Members.Where(m => m == "Osprey.Kernels.Device.get_Kind"), Is.Empty);

    [Test]
    public void The_tool_is_thin() =>
        Assert.That(Assembly.Read(Tool).References.Where(r => r is "TorchSharp" or "SkiaSharp" or "Parquet" or "BitMiracle.LibTiff.NET"), Is.Empty);

    [Test]
    public void The_reader_of_assemblies_sees_what_it_should()
    {
        // What the rules above would miss if the reader were blind.
        Assert.That(Assembly.Read(Interop).References, Does.Contain("TorchSharp"));
        Assert.That(Assembly.Read(Tool).Members, Has.Some.StartsWith("System.Console."));
        Assert.That(Assembly.Read(Kernels).Types, Does.Contain("System.Security.UnverifiableCodeAttribute"));
    }

    sealed record Assembly(IReadOnlySet<string> References, IReadOnlySet<string> Types, IReadOnlySet<string> Members)
    {
        public static Assembly Read(string name)
        {
            using FileStream file = File.OpenRead(Path.Combine(TestContext.CurrentContext.TestDirectory, name + ".dll"));
            using var image = new PEReader(file);
            MetadataReader reader = image.GetMetadataReader();
            return new Assembly(
                reader.AssemblyReferences.Select(h => reader.GetString(reader.GetAssemblyReference(h).Name)).ToHashSet(),
                reader.TypeReferences.Select(h => TypeName(reader, h)).ToHashSet(),
                reader.MemberReferences.Select(reader.GetMemberReference)
                    .Where(m => m.Parent.Kind == HandleKind.TypeReference)
                    .Select(m => TypeName(reader, (TypeReferenceHandle)m.Parent) + "." + reader.GetString(m.Name)).ToHashSet());
        }

        static string TypeName(MetadataReader reader, TypeReferenceHandle handle)
        {
            TypeReference type = reader.GetTypeReference(handle);
            string name = reader.GetString(type.Name);
            if (type.ResolutionScope.Kind == HandleKind.TypeReference) return TypeName(reader, (TypeReferenceHandle)type.ResolutionScope) + "." + name;
            string space = reader.GetString(type.Namespace);
            return space.Length == 0 ? name : space + "." + name;
        }
    }
}
