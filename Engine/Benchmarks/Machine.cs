using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Floors;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>What a benchmark's figures depend on besides the code.</summary>
static class Machine
{
    public static BenchmarkMachine Describe(Device device, HostFloors? floors, string faiss)
    {
        string[] version = (typeof(Machine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown").Split('+', 2);
        return new BenchmarkMachine
        {
            Cpu = Cpu(),
            Cores = Environment.ProcessorCount,
            Threads = device.Threads,
            VectorBits = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128,
            Device = device.Name,
            Runtime = RuntimeInformation.FrameworkDescription,
            System = RuntimeInformation.OSDescription,
            Osprey = version[0],
            Commit = version.Length > 1 ? version[1][..Math.Min(12, version[1].Length)] : null,
            Torch = __version__,
            Faiss = faiss.Length > 0 ? faiss : null,
            Date = DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
            CopyGbps = floors?.CopyGbps,
            ReadGbps = floors?.ReadGbps,
            MultiplyGflops = floors?.MultiplyGflops,
            CodeGops = floors?.CodeGops,
            CodeLevel = floors?.CodeLevel,
        };
    }

    static string Cpu()
    {
        const string key = "model name";
        if (File.Exists("/proc/cpuinfo") && File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal)) is string line) return line[(line.IndexOf(':') + 1)..].Trim();
        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
