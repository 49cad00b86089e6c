using CsCheck;
using NUnit.Framework;
using Osprey.Kernels;
using Osprey.Kernels.Arithmetic;
using Osprey.Kernels.Search;

namespace Osprey.Tests.Kernels.Search;

/// <summary>Cells of clustered rows in the certified search: the answer of the plain scan to the bit, whatever the clusters; and no cells where there are none.</summary>
[TestFixture]
public sealed class CellSearchTests
{
    static IEnumerable<string> Levels => CodeScan.All.Select(s => s.Name);

    /// <summary>Sets that cells are made of.</summary>
    static readonly string[] Clustered = ["clusters", "near duplicates", "uneven", "clusters and noise", "zero rows", "duplicates"];

    /// <summary>Others on which a careless division or bound fails.</summary>
    static readonly string[] Others = ["one cluster", "huge and tiny norms", "constant rows", "all equal", "all zero", "far from the origin", "denormals", "random"];

    static IEnumerable<string> Sets => Clustered.Concat(Others);

    static SearchCase Case(string set, int rows, int queries, int dimension, int k, Similarity similarity, int seed = 1)
    {
        SearchCase c = SearchCase.Random(rows, queries, dimension, k, similarity, seed);
        var random = new Random(seed + 5);
        float[] x = c.RowValues, q = c.QueryValues;
        Span<float> Row(int i) => x.AsSpan(i * dimension, dimension);
        void Cluster(int i, int centre, float noise)
        {
            for (int d = 0; d < dimension; d++) Row(i)[d] = Row(centre)[d] + (noise * Row(i)[d]);
        }
        int clusters = Math.Max(1, rows / 64);
        for (int i = clusters; i < rows; i++)
        {
            int centre = random.Next(clusters);
            switch (set)
            {
                case "clusters" or "far from the origin" or "denormals":
                    Cluster(i, centre, 0.3f);
                    break;
                case "near duplicates":
                    Cluster(i, centre, 1e-6f);
                    break;
                case "duplicates":
                    Cluster(i, centre, 0);
                    break;
                case "uneven":
                    Cluster(i, random.Next(4) == 0 ? 0 : centre, 0.2f);
                    break;
                case "clusters and noise":
                    if (random.Next(4) > 0) Cluster(i, centre, 0.2f);
                    break;
                case "zero rows":
                    if (random.Next(3) == 0) Row(i).Clear();
                    else Cluster(i, centre, 0.2f);
                    break;
                case "one cluster":
                    Cluster(i, 0, 0.1f);
                    break;
                case "huge and tiny norms":
                    Cluster(i, centre, 0.2f);
                    float scale = MathF.Pow(10, (centre % 13) - 6);
                    foreach (ref float v in Row(i)) v *= scale;
                    break;
                case "constant rows":
                    Row(i).Fill((centre % 17) - 8);
                    break;
                case "all equal":
                    Row(0).CopyTo(Row(i));
                    break;
            }
        }
        if (set == "all equal")
            for (int i = 1; i < rows; i++) Row(0).CopyTo(Row(i));
        if (set == "all zero") Array.Clear(x);
        // Near rows, rows themselves, far from all; one of zeros.
        for (int i = 0; i < queries; i++)
        {
            Span<float> query = q.AsSpan(i * dimension, dimension), near = Row(random.Next(rows));
            if (i % 4 == 0) near.CopyTo(query);
            else if (i % 4 != 3)
                for (int d = 0; d < dimension; d++) query[d] = near[d] + (0.1f * query[d]);
        }
        q.AsSpan(0, dimension).Clear();
        if (set == "far from the origin")
        {
            foreach (ref float v in x.AsSpan()) v += 100;
            foreach (ref float v in q.AsSpan()) v += 100;
        }
        if (set == "denormals")
        {
            foreach (ref float v in x.AsSpan()) v *= 1e-39f;
            for (int i = 0; i < q.Length; i += 3) q[i] *= 1e-20f;
        }
        return c;
    }

    static CertifiedSearch Create(Device device, SearchCase c, CodeScan? level = null, double boldness = 4, Stream? codes = null) =>
        new(device, c.Similarity, [c.RowValues], c.Dimension, level ?? CodeScan.Best, seed: 3, leastRows: 1, boldness, codes);

    [Test]
    public void Sets_are_answered_to_the_bit([ValueSource(nameof(Levels))] string level, [ValueSource(nameof(Sets))] string set, [Values] Similarity similarity)
    {
        foreach ((int dimension, int k) in new[] { (48, 1), (67, 10), (130, 150) })
        {
            SearchCase c = Case(set, 2301, 29, dimension, k, similarity, seed: dimension);
            SearchCase few = c with { Queries = 2, QueryValues = c.QueryValues[(2 * dimension)..(4 * dimension)] };
            TopK expected = c.Expected(), expectedFew = few.Expected();
            for (int threads = 1; threads <= 3; threads += 2)
            {
                using Device device = Device.Open("host", threads);
                using CertifiedSearch search = Create(device, c, CodeScan.All.Single(s => s.Name == level));
                if (Clustered.Contains(set)) Assert.That(search.Cells, Is.Positive, $"{set}, {c}");
                SearchCase.AssertSameBits(c.Run(search), expected, $"{set}, {threads} threads, {search.Cells} cells, {c}");
                SearchCase.AssertSameBits(few.Run(search), expectedFew, $"{set}, few queries after many, {threads} threads, {c}");
            }
        }
    }

    [Test]
    public void Random_cases_are_answered_to_the_bit()
    {
        string[] sets = [.. Sets];
        using Device device = Device.Open("host", 2);
        Gen.Select(Gen.Int[0, sets.Length - 1], Gen.Int[1024, 3000], Gen.Int[1, 50], Gen.Int[32, 150], Gen.Int[1, 120], Gen.Int[0, 999], Gen.Bool).Sample(
            (which, rows, queries, dimension, k, seed, distance) =>
            {
                SearchCase c = Case(sets[which], rows, queries, dimension, k, distance ? Similarity.L2 : Similarity.InnerProduct, seed);
                if (seed % 2 == 0) c = c with { Excluded = [.. Enumerable.Range(0, queries).Select(q => q % 4 == 0 ? -1L : (q * 31) % rows)] };
                using CertifiedSearch search = Create(device, c, CodeScan.All[seed % CodeScan.All.Count], boldness: (seed % 7) - 2);
                SearchCase.AssertSameBits(c.Run(search), c.Expected(), $"{sets[which]}, {c}");
            },
            iter: 100, threads: 1);
    }

    [Test]
    public void Cells_are_left_out_of_clustered_rows_and_few_queries_are_scanned_again([Values] Similarity similarity)
    {
        SearchCase c = Case("clusters", 6000, 120, 96, 10, similarity);
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c);
        SearchCase.AssertSameBits(c.Run(search), c.Expected(), "clusters");
        Assert.That(search.CellScans, Is.EqualTo(1));
        Assert.That(search.Repeated, Is.LessThanOrEqualTo(2));
    }

    [Test]
    public void Queries_that_no_cell_is_far_from_are_scanned_as_without_cells([Values] Similarity similarity)
    {
        SearchCase c = Case("clusters", 6000, 40, 96, 10, similarity) with { QueryValues = SearchCase.Random(1, 40, 96, 1, similarity, seed: 9).QueryValues };
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c);
        Assert.That(search.Cells, Is.Positive);
        SearchCase.AssertSameBits(c.Run(search), c.Expected(), "far queries");
        Assert.That(search.Repeated, Is.LessThanOrEqualTo(2));
    }

    [Test]
    public void A_guess_that_was_too_bold_costs_a_second_scan_and_no_answer([Values] Similarity similarity)
    {
        SearchCase c = Case("clusters", 4000, 60, 64, 20, similarity);
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c, boldness: -12);
        SearchCase.AssertSameBits(c.Run(search), c.Expected(), "bold");
        Assert.That(search.Repeated, Is.Positive);
    }

    [Test]
    public void Random_rows_have_no_cells([Values(32, 64, 200)] int dimension, [Values] Similarity similarity, [Values] bool normal)
    {
        SearchCase c = SearchCase.Random(5000, 1, dimension, 1, similarity);
        var random = new Random(2);
        if (normal)
            foreach (ref float v in c.RowValues.AsSpan()) v = MathF.Sqrt(-2 * MathF.Log(1 - random.NextSingle())) * MathF.Cos(2 * MathF.PI * random.NextSingle());
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c);
        Assert.That(search.Cells, Is.Zero);
    }

    /// <summary>Each cell's figures against its rows in double precision, and the cells' runs cover all positions.</summary>
    [Test]
    public unsafe void Figures_hold_for_every_row([ValueSource(nameof(Clustered))] string set, [Values] Similarity similarity)
    {
        SearchCase c = Case(set, 2500, 1, 70, 1, similarity);
        using var source = new PinnedRows([c.RowValues], c.Dimension);
        using CodedRows rows = CodedBuild.Create(source, similarity, new HostTeam(2), 2, seed: 5)!;
        CodedCells cells = rows.Cells!;
        Assert.That(cells.First(0), Is.Zero);
        Assert.That(cells.End(cells.Count - 1), Is.EqualTo(c.Rows));
        double[] y = new double[c.Dimension], centre = new double[c.Dimension];
        for (int cell = 0; cell < cells.Count; cell++)
        {
            Assert.That(cells.End(cell), Is.GreaterThan(cells.First(cell)));
            fixed (double* at = centre) cells.Centres.Decode(cell, at);
            Assert.That(Math.Sqrt(centre.Sum(v => v * v)), Is.EqualTo(Math.Sqrt(cells.Square[cell])).Within(1e-4).Percent);
            for (int position = cells.First(cell); position < cells.End(cell); position++)
            {
                for (int d = 0; d < c.Dimension; d++) y[d] = (double)c.RowValues[(rows.Ids[position] * c.Dimension) + d] - rows.Centre[d];
                rows.Rotation?.Apply(y);
                double norm = Math.Sqrt(y.Sum(v => v * v)), far = Math.Sqrt(y.Zip(centre, (a, b) => (a - b) * (a - b)).Sum());
                Assert.That(cells.Radius[cell], Is.GreaterThanOrEqualTo(far));
                Assert.That(cells.Norm[cell], Is.GreaterThanOrEqualTo(norm));
                Assert.That(cells.Offset[cell], Is.LessThanOrEqualTo(similarity == Similarity.L2 ? norm * norm / 2 : 0));
            }
        }
    }

    [Test]
    public void A_filter_that_empties_cells_leaves_only_rows_it_allows([Values] Similarity similarity, [Values(1, 2, 7)] int every, [Values(3, 200)] int k)
    {
        SearchCase c = Case("clusters", 4000, 23, 72, k, similarity) with { Excluded = [.. Enumerable.Range(0, 23).Select(q => q % 2 == 0 ? (long)q * 40 : -1)] };
        var allowed = new ulong[(c.Rows + 63) / 64];
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c);
        Assert.That(search.Cells, Is.Positive);
        // Whole clusters are gone: rows nearer to one of some rows than to the others; and of the rest, all but some rows.
        var kept = new List<int>();
        for (int i = 0; i < c.Rows; i++)
        {
            if (Sign(c.RowValues.AsSpan(i * c.Dimension, c.Dimension)) < 0 || i % every != 0) continue;
            allowed[i / 64] |= 1UL << (i % 64);
            kept.Add(i);
        }
        var part = c with
        {
            Rows = kept.Count,
            RowValues = [.. kept.SelectMany(i => c.RowValues[(i * c.Dimension)..((i + 1) * c.Dimension)])],
            Excluded = [.. c.Excluded.Select(e => e < 0 ? -1L : kept.IndexOf((int)e))],
        };
        TopK expected = part.Expected();
        var results = new TopK(c.Queries, c.K, similarity);
        search.Search(c.QueryValues, results, c.Excluded, allowed);
        for (int q = 0; q < c.Queries; q++)
        {
            Assert.That(results.Ids(q).ToArray(), Is.EqualTo(expected.Ids(q).ToArray().Select(i => i < 0 ? -1 : kept[(int)i])), $"query {q}");
            Assert.That(results.Scores(q).ToArray(), Is.EqualTo(expected.Scores(q).ToArray()));
        }
        var hits = new RangeHits(c.Queries, expected.Scores(5)[2], similarity);
        search.SearchRange(c.QueryValues, hits, c.Excluded, allowed);
        Assert.That(hits.Found(5), Is.EqualTo(3));
    }

    static float Sign(Span<float> row) => row[0] + row[1] + row[2] + row[3] + row[4];

    [Test]
    public void Codes_that_were_saved_have_the_same_cells([Values] Similarity similarity)
    {
        SearchCase c = Case("clusters", 3000, 31, 80, 12, similarity);
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c);
        using var file = new MemoryStream();
        search.SaveCodes(file);
        long end = file.Position;
        file.Position = 0;
        using (CertifiedSearch loaded = Create(device, c, codes: file))
        {
            Assert.That(file.Position, Is.EqualTo(end));
            Assert.That(loaded.Cells, Is.EqualTo(search.Cells));
            SearchCase.AssertSameBits(c.Run(loaded), c.Expected(), "loaded");
            Assert.That(loaded.CellScans, Is.EqualTo(1));
        }
        byte[] old = file.ToArray();
        old[0] = 1;
        using (CertifiedSearch coded = Create(device, c, codes: new MemoryStream(old)))
            SearchCase.AssertSameBits(c.Run(coded), c.Expected(), "of an earlier layout, coded again");
        byte[] broken = file.ToArray();
        broken[64] ^= 0xff;
        Assert.That(() => Create(device, c, codes: new MemoryStream(broken)), Throws.InstanceOf<InvalidDataException>().Or.InstanceOf<EndOfStreamException>());
    }

    [Test]
    public void Cells_take_little_memory()
    {
        using Device device = Device.Open("host", 2);
        foreach (int dimension in new[] { 128, 512 })
        {
            SearchCase c = Case("clusters", 6400, 1, dimension, 1, Similarity.InnerProduct);
            using var search = new CertifiedSearch(device, c.Similarity, [c.RowValues], dimension);
            Assert.That(search.Cells, Is.Positive);
            Assert.That(search.CodeBytes, Is.LessThanOrEqualTo(0.27 * 4 * 6400 * dimension));
        }
    }

    [Test]
    public void Nothing_is_allocated_once_warm([Values] Similarity similarity)
    {
        SearchCase c = Case("clusters", 4000, 30, 64, 10, similarity);
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c);
        Assert.That(search.Cells, Is.Positive);
        var results = new TopK(c.Queries, c.K, similarity);
        search.Search(c.QueryValues, results);
        Allocations.AssertNoneOnceWarm(() => search.Search(c.QueryValues, results));
    }
}
