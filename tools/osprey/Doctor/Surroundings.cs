using System.Numerics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Osprey.Interop.Jpeg;
using Osprey.Interop.Torch;
using Osprey.Kernels;

namespace Osprey.Tool.Doctor;

/// <summary>What the tool runs on: one fact a line.</summary>
static class Surroundings
{
    public static IReadOnlyList<Fact> Collect(Device device, int threads)
    {
        double gib = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30);
        return
        [
            new("osprey", Version(typeof(Surroundings).Assembly)),
            new("runtime", $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.RuntimeIdentifier}, {RuntimeInformation.OSDescription}"),
            new("libraries", string.Join(" · ", from name in (string[])["TorchSharp", "ILGPU", "SkiaSharp"] select $"{name} {Version(Assembly.Load(name))}")),
            new("libtorch", Torch()),
            new("jpeg", TurboJpeg.IsPresent ? "libjpeg-turbo's own library" : "SkiaSharp's copy, without vector code; the system's libturbojpeg decodes in two thirds of the time"),
            new("simd", Simd()),
            new("cores", $"{Environment.ProcessorCount}, of which {threads} are used"),
            new("memory", $"{gib:0.0} GiB{Reuse()}"),
            new("device", $"{device.Kind.ToString().ToLowerInvariant()}: {device.Name}"),
            new("cuda", Cuda()),
        ];
    }

    static string Torch()
    {
        (string version, int threads) = TorchRuntime.Probe();
        return $"{version}, loads and multiplies, {threads} threads";
    }

    static string Reuse() => HostAllocator.KeepsFreed() switch
    {
        true => "; what a tensor leaves is used again",
        // Seen where the environment sets the allocator, or where it is not glibc's.
        false => "; what a tensor leaves goes back to the system, which makes torch slow",
        null => "",
    };

    static string Simd()
    {
        string[] have =
        [
            .. new (string Name, bool Here)[]
            {
                ("AVX2", Avx2.IsSupported), ("FMA", Fma.IsSupported), ("AVX-512F", Avx512F.IsSupported), ("AVX-512BW", Avx512BW.IsSupported), ("AVX-VNNI", AvxVnni.IsSupported),
                ("NEON", System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported),
            }.Where(f => f.Here).Select(f => f.Name),
        ];
        return $"{(have.Length > 0 ? string.Join(", ", have) : "none")}; Vector<float> is {Vector<float>.Count} wide";
    }

    static string Cuda()
    {
        int count = Device.CudaCount();
        if (count == 0) return "no driver or no device";
        string driver = File.Exists("/proc/driver/nvidia/version") ? File.ReadLines("/proc/driver/nvidia/version").First() : "driver version unknown";
        return $"{count} device{(count == 1 ? "" : "s")}; {driver}";
    }

    static string Version(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? assembly.GetName().Version?.ToString() ?? "unknown";
}

sealed record Fact(string Name, string Value);
