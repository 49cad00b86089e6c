using System.Runtime.InteropServices;

namespace Osprey.Interop.Torch;

/// <summary>How libtorch's threads wait for one another.</summary>
/// <remarks>
/// They meet at the end of every operation. GNU OpenMP by default keeps the early ones spinning, and where anything else runs on the machine the
/// spinners occupy the cores that their own team waits for: on 2 cores beside one other training, ResNet-18 at 64 px with AdvProp made 4.5 images/s
/// spinning and 39 asleep. On an idle machine sleeping costs some microseconds an operation.
/// </remarks>
public static partial class OpenMp
{
    const string Policy = "OMP_WAIT_POLICY";

    /// <summary>Lets them sleep. Has an effect before libtorch is loaded only; a policy that the user has set in the environment stays.</summary>
    public static void WaitAsleep()
    {
        // .NET's own SetEnvironmentVariable changes a copy that native libraries do not see.
        if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable(Policy) is null) SetEnvironment(Policy, "PASSIVE", overwrite: 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
