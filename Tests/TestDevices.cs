using NUnit.Framework;
using Osprey.Kernels;
using Osprey.Tests.Ptx.Driver;

namespace Osprey.Tests;

/// <summary>
/// The devices that CUDA kernels are tested on: ILGPU's simulator, and <c>ptx</c>, the interpreter behind a CUDA driver of our own, which runs the PTX that a
/// GPU would get. With OSPREY_DEVICE=cuda (or cuda:1…) in the environment it is that device instead, with the real driver.
/// </summary>
public static class TestDevices
{
    const string Interpreter = "ptx";

    /// <summary>The device that the environment asks for, or null.</summary>
    public static string? Asked { get; } = Environment.GetEnvironmentVariable("OSPREY_DEVICE") is { Length: > 0 } name ? name : null;

    /// <summary>Names for <see cref="Open"/>: as a source of fixtures or of values.</summary>
    public static IEnumerable<string> Names => Asked is not null ? [Asked] : TrampolineLibrary.Possible ? ["simulator", Interpreter] : ["simulator"];

    /// <summary>The host and these.</summary>
    public static IEnumerable<string> All => Names.Prepend("host");

    public static Device Open(string name, int threads = 0)
    {
        if (name != Interpreter) return Device.Open(name, threads);
        using IDisposable shown = PtxDriver.Attach();
        return Device.Open("cuda", threads);
    }
}

/// <summary>Puts the driver in its place before the first test looks for a device.</summary>
[SetUpFixture]
public class TestDevicesSetUp
{
    [OneTimeSetUp]
    public void Install()
    {
        if (TestDevices.Asked is null && TrampolineLibrary.Possible) PtxDriver.Install();
    }
}
