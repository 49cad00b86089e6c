using System.Runtime.Intrinsics.X86;
using NUnit.Framework;
using Osprey.Interop.Torch;

namespace Osprey.Tests.Interop.Torch;

[TestFixture]
public sealed class BFloat16InstructionsTests
{
    /// <summary>CPUID, read here, against what the kernel read from it.</summary>
    [Test]
    public void They_are_missing_where_the_kernel_does_not_name_them()
    {
        const string Processor = "/proc/cpuinfo";
        if (!X86Base.IsSupported || !File.Exists(Processor)) Assert.Ignore("not an x86 processor under Linux");
        string[] flags = File.ReadLines(Processor).First(l => l.StartsWith("flags", StringComparison.Ordinal)).Split(' ');
        Assert.That(BFloat16Instructions.AreMissing, Is.EqualTo(!flags.Contains("avx512_bf16") && !flags.Contains("amx_bf16")));
    }
}
