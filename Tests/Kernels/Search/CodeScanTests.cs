using System.Diagnostics;
using System.Runtime.InteropServices;
using NUnit.Framework;
using Osprey.Kernels.Search;

namespace Osprey.Tests.Kernels.Search;

/// <summary>Every level of <see cref="CodeScan"/> that this machine runs, against sums in plain loops.</summary>
[TestFixture]
public unsafe class CodeScanTests
{
    static IEnumerable<CodeScan> Levels => CodeScan.All;

    static IEnumerable<TestCaseData> Cases =>
        from level in CodeScan.All
        from queries in new[] { 1, 2, 3, 4, 5, 7, 8, 9, 11, 12 }
        where queries <= level.PanelQueries
        from groups in new[] { 1, 2, 3, 16, 33 }
        select new TestCaseData(level, queries, groups).SetArgDisplayNames(level.Name, $"{queries} queries", $"{groups} groups");

    [TestCaseSource(nameof(Cases))]
    public void Sums_and_masks_are_those_of_plain_loops(object level, int queries, int groups)
    {
        var scan = (CodeScan)level;
        var random = new Random(queries * 100 + groups);
        foreach (int pairs in new[] { 0, 1, 2, 5 })
        {
            using var panel = new Panel(scan, queries, groups, pairs, random, extremes: pairs == 2);
            for (int i = 0; i < 2 * pairs * CodeScan.BlockRows; i++) panel.Thresholds[i] = int.MaxValue;
            // Some thresholds are met exactly, which counts as met.
            for (int block = 0; block < 2 * pairs; block++)
                for (int q = 0; q < queries; q++)
                    if (random.Next(5) == 0) panel.Thresholds[block * CodeScan.BlockRows + q] = panel.Expected(block, random.Next(CodeScan.BlockRows), q);

            for (int first = 0; first <= pairs; first++)
            {
                int stopped = panel.Run(first);
                Assert.That(stopped, Is.EqualTo(panel.FirstThatPasses(first)));
                if (stopped == pairs) break;
                for (int q = 0; q < queries; q++)
                {
                    for (int row = 0; row < 2 * CodeScan.BlockRows; row++)
                    {
                        int expected = panel.Expected(2 * stopped + row / CodeScan.BlockRows, row % CodeScan.BlockRows, q);
                        Assert.That(panel.Sums[q * 2 * CodeScan.BlockRows + row], Is.EqualTo(expected), $"query {q}, row {row}");
                        Assert.That((panel.Masks[q] >> row & 1) != 0, Is.EqualTo(panel.Passes(stopped, row, q)), $"query {q}, row {row}");
                    }
                }
                first = stopped;
            }
        }
    }

    [TestCaseSource(nameof(Levels))]
    public void A_sum_by_hand(object level)
    {
        var scan = (CodeScan)level;
        using var panel = new Panel(scan, 1, 1, 1, new Random(0), extremes: false);
        new Span<byte>(panel.Codes, 2 * CodeScan.GroupBytes).Fill(128);
        // Row 18 is row 2 of the second block: codes 1, −2, 127, −128 with the query's 5, 6, −7, 8.
        byte* row = panel.Codes + CodeScan.GroupBytes + 2 * CodeScan.GroupValues;
        (row[0], row[1], row[2], row[3]) = (129, 126, 255, 0);
        (panel.Queries[0], panel.Queries[1], panel.Queries[2], panel.Queries[3]) = (5, 6, -7, 8);
        panel.Bias[0] = -128 * 12;
        new Span<int>(panel.Thresholds, 2 * CodeScan.BlockRows).Clear();
        panel.Thresholds[0] = 1;
        panel.Thresholds[CodeScan.BlockRows] = -1919;
        Assert.That(panel.Run(0), Is.EqualTo(0));
        Assert.That(panel.Sums[18], Is.EqualTo(5 - 12 - 889 - 1024));
        Assert.That(panel.Masks[0], Is.EqualTo(0xffff0000 & ~(1u << 18)), "0 does not reach 1; in the second block it reaches −1919, and −1920 does not");
    }

    [Test]
    public void The_largest_dimension_does_not_overflow()
    {
        foreach (CodeScan scan in CodeScan.All)
        {
            const int Groups = CodeScan.LargestDimension / CodeScan.GroupValues;
            using var panel = new Panel(scan, 1, Groups, 1, new Random(0), extremes: false);
            new Span<byte>(panel.Codes, 2 * Groups * CodeScan.GroupBytes).Clear();
            new Span<sbyte>(panel.Queries, Groups * CodeScan.GroupValues).Fill((sbyte)-scan.QueryLimit);
            panel.Bias[0] = 128 * scan.QueryLimit * CodeScan.LargestDimension;
            new Span<int>(panel.Thresholds, 2 * CodeScan.BlockRows).Fill(int.MinValue);
            panel.Run(0);
            Assert.That(new Span<int>(panel.Sums, 32).ToArray(), Is.All.EqualTo(128 * scan.QueryLimit * CodeScan.LargestDimension), scan.Name);
        }
    }

    /// <summary>The generated routines, read back by a disassembler that knows every instruction by its own tables.</summary>
    [Test]
    public void The_machine_code_is_what_it_says([Values(1, 4, 12)] int queries)
    {
        if (!File.Exists("/usr/bin/objdump")) Assert.Ignore("no objdump at /usr/bin; apt-get install binutils");
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, Avx512VnniScan.Assemble(queries));
            using Process process = Process.Start(new ProcessStartInfo("/usr/bin/objdump", ["-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", file]) { RedirectStandardOutput = true })!;
            string[] lines = process.StandardOutput.ReadToEnd().Split('\n');
            process.WaitForExit();
            Assert.That(lines, Has.None.Contains("(bad)"));
            Assert.That(lines.Count(l => l.Contains("vpdpbusd")), Is.EqualTo(2 * queries));
            for (int q = 0; q < queries; q++)
            {
                Assert.That(lines, Has.Some.Matches($@"vpdpbusd zmm{2 * q},zmm24,zmm{26 + q % 4}$"));
                Assert.That(lines, Has.Some.Matches($@"vpdpbusd zmm{2 * q + 1},zmm25,zmm{26 + q % 4}$"));
            }
            Assert.That(lines.Count(l => l.Contains("prefetcht0")), Is.EqualTo(queries <= 4 ? 2 : 0));
            Assert.That(lines[^2], Does.EndWith("ret"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    public void The_portable_level_is_always_there() => Assert.That(CodeScan.All.Select(l => l.Name), Does.Contain("portable").And.Unique);

    /// <summary>Random codes in the memory that a scan reads and writes.</summary>
    sealed class Panel : IDisposable
    {
        readonly CodeScan scan;
        readonly int queries, groups, pairs;
        readonly List<nint> owned = [];

        public Panel(CodeScan scan, int queries, int groups, int pairs, Random random, bool extremes)
        {
            (this.scan, this.queries, this.groups, this.pairs) = (scan, queries, groups, pairs);
            int blockBytes = groups * CodeScan.GroupBytes;
            Queries = (sbyte*)Own(groups * queries * CodeScan.GroupValues);
            Codes = (byte*)Own(2 * pairs * blockBytes);
            Bias = (int*)Own(queries * sizeof(int));
            Thresholds = (int*)Own(2 * pairs * CodeScan.BlockRows * sizeof(int));
            Sums = (int*)Own(queries * 2 * CodeScan.BlockRows * sizeof(int));
            Masks = (uint*)Own(queries * sizeof(uint));
            for (int i = 0; i < groups * queries * CodeScan.GroupValues; i++)
                Queries[i] = (sbyte)(extremes ? scan.QueryLimit * (2 * random.Next(2) - 1) : random.Next(-scan.QueryLimit, scan.QueryLimit + 1));
            for (int i = 0; i < 2 * pairs * blockBytes; i++) Codes[i] = (byte)(extremes ? 255 * random.Next(2) : random.Next(256));
            for (int q = 0; q < queries; q++)
            {
                Bias[q] = 0;
                for (int g = 0; g < groups; g++)
                    for (int v = 0; v < CodeScan.GroupValues; v++) Bias[q] -= 128 * Queries[(g * queries + q) * CodeScan.GroupValues + v];
            }
        }

        public sbyte* Queries { get; }

        public byte* Codes { get; }

        public int* Bias { get; }

        public int* Thresholds { get; }

        public int* Sums { get; }

        public uint* Masks { get; }

        /// <summary>A scan from a pair on; the answer counts from the first.</summary>
        public int Run(int first) =>
            first + scan.Run(Queries, queries, groups, Bias, Codes + 2 * first * groups * CodeScan.GroupBytes, pairs - first, Thresholds + 2 * first * CodeScan.BlockRows, Sums, Masks);

        public int Expected(int block, int row, int query)
        {
            int sum = 0;
            for (int g = 0; g < groups; g++)
                for (int v = 0; v < CodeScan.GroupValues; v++)
                    sum += (Codes[(block * groups + g) * CodeScan.GroupBytes + row * CodeScan.GroupValues + v] - 128) * Queries[(g * queries + query) * CodeScan.GroupValues + v];
            return sum;
        }

        public bool Passes(int pair, int row, int query)
        {
            int block = 2 * pair + row / CodeScan.BlockRows;
            return Expected(block, row % CodeScan.BlockRows, query) >= Thresholds[block * CodeScan.BlockRows + query];
        }

        public int FirstThatPasses(int first)
        {
            for (int pair = first; pair < pairs; pair++)
                for (int row = 0; row < 2 * CodeScan.BlockRows; row++)
                    for (int q = 0; q < queries; q++)
                        if (Passes(pair, row, q)) return pair;
            return pairs;
        }

        byte* Own(int bytes)
        {
            owned.Add((nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 64), 64));
            return (byte*)owned[^1];
        }

        public void Dispose()
        {
            foreach (nint memory in owned) NativeMemory.AlignedFree((void*)memory);
        }
    }
}
