using System.Globalization;
using System.Reflection;
using ILGPU;
using ILGPU.Runtime.Cuda;
using NUnit.Framework;
using Osprey.Kernels;
using Osprey.Tests.House;
using Osprey.Tests.Ptx;

namespace Osprey.Tests.Kernels;

/// <summary>
/// Every kernel marked with <see cref="CudaKernelAttribute"/> becomes PTX for an A100 (sm_80), an RTX 30 or A10 (sm_86) and an H100 or H200 (sm_90),
/// without a GPU. Where <c>ptxas</c> lies on PATH or in the folder that OSPREY_PTXAS names (11.8 or later; <c>.ci/ptxas</c> fetches one on Debian), it
/// assembles the PTX too: a kernel that spills registers, or takes more than its line in <c>ptx-budget.txt</c> allows, fails. Elsewhere only the
/// translation is checked, and the test says so. OSPREY_PTX_BUDGET=write rewrites the budget from what the kernels take now.
/// </summary>
[TestFixture]
public class PtxGateTests
{
    static readonly CudaArchitecture[] architectures = [CudaArchitecture.SM_80, CudaArchitecture.SM_86, CudaArchitecture.SM_90];

    PtxBudget budget = null!;

    static string BudgetFile => Path.Combine(Shared.Repository, "Tests", "Kernels", "ptx-budget.txt");

    [OneTimeSetUp]
    public void Open()
    {
        if (Environment.GetEnvironmentVariable("OSPREY_PTX_BUDGET") == "write") WriteBudget();
        budget = PtxBudget.Parse(File.ReadLines(BudgetFile));
    }

    static void WriteBudget()
    {
        Ptxas ptxas = Ptxas.Found ?? throw new InvalidOperationException("the budget is written from what ptxas reports, and there is no ptxas on PATH nor in the folder OSPREY_PTXAS");
        var taken =
            from kernel in MarkedKernels.All
            from architecture in architectures
            let target = PtxCompiler.Target(architecture)
            select KeyValuePair.Create((MarkedKernels.Name(kernel), target), PtxAllowance.Of(ptxas.Assemble(PtxCompiler.Compile(kernel, architecture), target)));
        File.WriteAllLines(BudgetFile, new PtxBudget(ptxas.Release, taken.ToDictionary()).Lines());
    }

    static IEnumerable<TestCaseData> Cases =>
        from kernel in MarkedKernels.All
        from architecture in architectures
        select new TestCaseData(kernel, architecture).SetArgDisplayNames(MarkedKernels.Name(kernel), architecture.ToString());

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
        string[] loaded = [.. Loaded.Select(MarkedKernels.Name).Distinct()];
        Assert.That(loaded, Does.Contain("SearchCuda.Select").And.Contain("SearchCuda.Scores<ProductScore>"), "the reader of code sees what it should");
        Assert.That(loaded.Except(MarkedKernels.All.Select(MarkedKernels.Name)), Is.Empty, "add [CudaKernel], or the type arguments to it");
    }

    [TestCaseSource(nameof(Cases))]
    public void Compiles_to_PTX_and_assembles_within_its_budget(MethodInfo kernel, CudaArchitecture architecture)
    {
        string ptx = PtxCompiler.Compile(kernel, architecture), target = PtxCompiler.Target(architecture);
        Assert.That(ptx, Does.Contain($".target {target}").And.Contain(".visible .entry"));
        // A .NET method that ILGPU knows no PTX for becomes a call to nowhere.
        Assert.That(ptx, Does.Not.Contain(".extern .func"));
        // ILGPU takes branches for uniform that are not: Device.LeaveOutUniformBranches. Without a condition there is no doubt.
        Assert.That(ptx, Does.Not.Match(@"@!?%p\d+\s+bra\.uni"));

        if (Ptxas.Found is not { } ptxas)
        {
            TestContext.Out.WriteLine($"{ptx.Length} bytes of PTX; not assembled: no ptxas on PATH nor in the folder OSPREY_PTXAS");
            return;
        }
        PtxasReport report = ptxas.Assemble(ptx, target);
        Assert.That((report.SpillStores, report.SpillLoads), Is.EqualTo((0, 0)), report.Text);
        Assert.That(budget.Excess(MarkedKernels.Name(kernel), target, report, ptxas.Release), Is.Null, "OSPREY_PTX_BUDGET=write rewrites the budget, if this is meant");
    }

    [Test]
    public void The_budget_has_a_line_for_each_kernel_and_no_other()
    {
        var kernels = from kernel in MarkedKernels.All from architecture in architectures select (MarkedKernels.Name(kernel), PtxCompiler.Target(architecture));
        Assert.That(budget.Allowances.Keys, Is.EquivalentTo(kernels), $"run this fixture with OSPREY_PTX_BUDGET=write and commit {BudgetFile}");
    }

    [Test]
    public void There_are_kernels_and_each_is_explicitly_grouped()
    {
        Assert.That(MarkedKernels.All, Is.Not.Empty);
        foreach (MethodInfo kernel in MarkedKernels.All)
            Assert.That(kernel.GetParameters()[0].ParameterType.Name, Does.Not.StartWith("Index"), $"{MarkedKernels.Name(kernel)} takes an index: it would be implicitly grouped");
    }

    [Test]
    public void A_kernel_that_has_no_PTX_is_caught() =>
        Assert.That(() => PtxCompiler.Compile(((Action<ArrayView<float>>)Throwing).Method, CudaArchitecture.SM_90), Throws.Exception);

    static void Throwing(ArrayView<float> x) => x[0] = float.Parse(DateTime.Now.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
