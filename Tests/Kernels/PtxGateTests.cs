using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using NUnit.Framework;
using Osprey.Kernels;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Kernels;

/// <summary>
/// Every kernel marked with <see cref="CudaKernelAttribute"/> becomes PTX for an A100 (sm_80) and an H100 or H200 (sm_90), without a GPU.
/// Where <c>ptxas</c> lies on PATH or in the folder that OSPREY_PTXAS names (11.8 or later), it assembles the PTX too, and a kernel that spills
/// registers or keeps variables in local memory fails; elsewhere only the translation is checked, and the test says so.
/// </summary>
[TestFixture]
public partial class PtxGateTests
{
    static readonly CudaArchitecture[] architectures = [CudaArchitecture.SM_80, CudaArchitecture.SM_90];

    Context context = null!;

    [OneTimeSetUp]
    public void Open() => context = Context.Create(b => Device.Configure(b));

    [OneTimeTearDown]
    public void Close() => context.Dispose();

    static IEnumerable<MethodInfo> Instantiations =>
        from type in typeof(CudaKernelAttribute).Assembly.GetTypes()
        from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        from mark in method.GetCustomAttributes<CudaKernelAttribute>()
        select mark.TypeArguments.Count == 0 ? method : method.MakeGenericMethod([.. mark.TypeArguments]);

    static IEnumerable<TestCaseData> Cases =>
        from kernel in Instantiations
        from architecture in architectures
        select new TestCaseData(kernel, architecture).SetArgDisplayNames(Name(kernel), architecture.ToString());

    static string Name(MethodInfo kernel)
    {
        string functors = string.Join(',', kernel.GetGenericArguments().Select(t => t.Name));
        return $"{kernel.DeclaringType!.Name}.{kernel.Name}{(functors.Length > 0 ? $"<{functors}>" : "")}";
    }

    /// <summary>Static methods on device memory that something takes the address of (<c>ldftn</c>), which is how a kernel is loaded.</summary>
    static IEnumerable<MethodInfo> Loaded =>
        from type in typeof(CudaKernelAttribute).Assembly.GetTypes()
        from body in type.GetMembers(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly).OfType<MethodBase>()
        let code = body.GetMethodBody()?.GetILAsByteArray() ?? []
        from at in Enumerable.Range(0, Math.Max(0, code.Length - 5))
        where code[at] == 0xfe && code[at + 1] == 0x06
        let method = Resolve(body.Module, BitConverter.ToInt32(code, at + 2))
        where method is { IsStatic: true } && method.GetParameters().Any(p => p.ParameterType is { IsGenericType: true } t && t.GetGenericTypeDefinition() == typeof(ArrayView<>))
        select method;

    static MethodInfo? Resolve(Module module, int token)
    {
        try
        {
            return module.ResolveMethod(token) as MethodInfo;
        }
        catch (Exception e) when (e is ArgumentException or BadImageFormatException)
        {
            return null; // the two bytes were something else, or the code is that of a generic method, which loads none
        }
    }

    [Test]
    public void Every_kernel_that_is_loaded_is_marked()
    {
        string[] loaded = [.. Loaded.Select(Name).Distinct()];
        Assert.That(loaded, Does.Contain("SearchCuda.Select").And.Contain("CudaPooling.GemForward<CubePower>"), "the reader of code sees what it should");
        Assert.That(loaded.Except(Instantiations.Select(Name)), Is.Empty, "add [CudaKernel], or the type arguments to it");
    }

    [TestCaseSource(nameof(Cases))]
    public void Compiles_to_PTX_and_assembles_without_spills(MethodInfo kernel, CudaArchitecture architecture)
    {
        string ptx = Compile(kernel, architecture);
        Assert.That(ptx, Does.Contain($".target {Target(architecture)}").And.Contain(".visible .entry"));
        // A .NET method that ILGPU knows no PTX for becomes a call to nowhere.
        Assert.That(ptx, Does.Not.Contain(".extern .func"));

        if (Ptxas() is not { } ptxas)
        {
            TestContext.Out.WriteLine($"{ptx.Length} bytes of PTX; not assembled: no ptxas on PATH nor in the folder OSPREY_PTXAS");
            return;
        }
        string report = Assemble(ptxas, ptx, Target(architecture));
        TestContext.Out.WriteLine(report);
        Match local = LocalMemory().Match(report);
        Assert.That(local.Success, Is.True, $"ptxas reports no figures:\n{report}");
        Assert.That(local.Groups.Values.Skip(1).Select(g => g.Value), Is.All.EqualTo("0"), $"registers or variables lie in local memory, which is slow:\n{report}");
    }

    [Test]
    public void There_are_kernels_and_each_is_explicitly_grouped()
    {
        Assert.That(Instantiations, Is.Not.Empty);
        foreach (MethodInfo kernel in Instantiations)
            Assert.That(kernel.GetParameters()[0].ParameterType.Name, Does.Not.StartWith("Index"), $"{Name(kernel)} takes an index: it would be implicitly grouped");
    }

    [Test]
    public void A_kernel_that_has_no_PTX_is_caught() =>
        Assert.That(() => Compile(((Action<ArrayView<float>>)Throwing).Method, CudaArchitecture.SM_90), Throws.Exception);

    static void Throwing(ArrayView<float> x) => x[0] = float.Parse(DateTime.Now.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    string Compile(MethodInfo kernel, CudaArchitecture architecture)
    {
        var capabilities = new CudaCapabilityContext(architecture);
        // ILGPU 1.5.3 writes ".target sm_80" for every later architecture; on a real device the driver's own capabilities say better.
        typeof(CudaCapabilityContext).GetProperty(nameof(CudaCapabilityContext.TargetArchitecture))!.SetValue(capabilities, architecture);
        CudaInstructionSet isa = CudaAccelerator.GetInstructionSet(architecture, ToolkitVersion.Value);
        using var backend = new PTXBackend(context, capabilities, architecture, isa, null);
        var compiled = (PTXCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default);
        return compiled.PTXAssembly;
    }

    static string Target(CudaArchitecture architecture) => $"sm_{architecture.Major}{architecture.Minor}";

    static string? Ptxas() =>
        (Environment.GetEnvironmentVariable("OSPREY_PTXAS") + Path.PathSeparator + Environment.GetEnvironmentVariable("PATH"))
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, "ptxas"))
            .FirstOrDefault(File.Exists);

    /// <summary>The toolkit whose PTX is written: ptxas' own where there is one, since it refuses what is newer than itself.</summary>
    static readonly Lazy<CudaDriverVersion> ToolkitVersion = new(() =>
    {
        if (Ptxas() is not { } ptxas) return CudaDriverVersion.FromMajorMinor(12, 4);
        Match release = Release().Match(Run(ptxas, "--version"));
        Assert.That(release.Success, Is.True, $"{ptxas} --version names no release");
        return CudaDriverVersion.FromMajorMinor(int.Parse(release.Groups[1].Value, CultureInfo.InvariantCulture), int.Parse(release.Groups[2].Value, CultureInfo.InvariantCulture));
    });

    static string Assemble(string ptxas, string ptx, string target)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("osprey-ptx");
        try
        {
            string source = Path.Combine(folder.FullName, "kernel.ptx");
            File.WriteAllText(source, ptx);
            return Run(ptxas, "-v", $"-arch={target}", source, "-o", source + ".cubin");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string report = process.StandardError.ReadToEnd() + output.Result;
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, report);
        return report;
    }

    [GeneratedRegex(@"release (\d+)\.(\d+)")]
    private static partial Regex Release();

    [GeneratedRegex(@"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")]
    private static partial Regex LocalMemory();
}
