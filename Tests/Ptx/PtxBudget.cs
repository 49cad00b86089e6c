using System.Globalization;

namespace Osprey.Tests.Ptx;

/// <summary>What a kernel may take on an architecture: registers and bytes of stack per thread, bytes of static shared memory per group.</summary>
readonly record struct PtxAllowance(int Registers, int Stack, int Shared)
{
    /// <summary>
    /// What a kernel is allowed that takes as much as a report says. The hardware hands out registers eight at a time. One step is to spare, because ILGPU
    /// does not order a kernel's blocks alike in every run, and ptxas then needs a few more or less.
    /// </summary>
    public static PtxAllowance Of(PtxasReport report) => new((report.Registers + 7) / 8 * 8 + 8, report.Stack, report.Shared);
}

/// <summary>
/// The committed allowances, a line for each kernel and architecture, and the release of ptxas that counted them. Another release may place a few
/// registers more: it is granted one step of eight.
/// </summary>
sealed record PtxBudget(Version Release, IReadOnlyDictionary<(string Kernel, string Target), PtxAllowance> Allowances)
{
    const string ReleaseMark = "# ptxas ";

    /// <summary>What is wrong with the report, or null.</summary>
    public string? Excess(string kernel, string target, PtxasReport report, Version release)
    {
        if (!Allowances.TryGetValue((kernel, target), out PtxAllowance allowed)) return $"the budget has no line for {kernel} on {target}";
        int registers = allowed.Registers + (release == Release ? 0 : 8);
        return report.Registers > registers ? $"{kernel} on {target} takes {report.Registers} registers, its budget is {registers}"
            : report.Stack > allowed.Stack ? $"{kernel} on {target} takes {report.Stack} bytes of stack, its budget is {allowed.Stack}"
            : report.Shared > allowed.Shared ? $"{kernel} on {target} takes {report.Shared} bytes of shared memory, its budget is {allowed.Shared}"
            : null;
    }

    public static PtxBudget Parse(IEnumerable<string> lines)
    {
        Version? release = null;
        var allowances = new Dictionary<(string, string), PtxAllowance>();
        foreach (string line in lines)
        {
            if (line.StartsWith(ReleaseMark, StringComparison.Ordinal)) release = Version.Parse(line[ReleaseMark.Length..]);
            if (line.Length == 0 || line[0] == '#') continue;
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length != 5 || !allowances.TryAdd((fields[0], fields[1]), new PtxAllowance(Number(fields[2]), Number(fields[3]), Number(fields[4]))))
                throw new InvalidDataException($"not 'kernel target registers stack shared', or twice: {line}");
        }
        return new PtxBudget(release ?? throw new InvalidDataException($"no line '{ReleaseMark}RELEASE'"), allowances);

        static int Number(string field) => int.Parse(field, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    public IEnumerable<string> Lines()
    {
        yield return "# What each CUDA kernel may take, as ptxas counts it: registers and bytes of stack per thread, bytes of static shared memory per group.";
        yield return "# Rewritten by: OSPREY_PTX_BUDGET=write dotnet test Tests -c Release --filter FullyQualifiedName~PtxGateTests";
        yield return ReleaseMark + Release.ToString(2);
        yield return "";
        foreach (((string kernel, string target), PtxAllowance a) in Allowances.OrderBy(a => a.Key.Kernel, StringComparer.Ordinal).ThenBy(a => a.Key.Target, StringComparer.Ordinal))
            yield return $"{kernel,-52} {target}  {a.Registers,3} {a.Stack,4} {a.Shared,6}";
    }
}
