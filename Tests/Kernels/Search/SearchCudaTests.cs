using NUnit.Framework;
using Osprey.Kernels;
using Osprey.Kernels.Search;

namespace Osprey.Tests.Kernels.Search;

/// <summary>The ILGPU kernels, on each of <see cref="TestDevices"/>.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.Names))]
public sealed class SearchCudaTests(string deviceName)
{
    Device device = null!;

    [OneTimeSetUp]
    public void Open() => device = TestDevices.Open(deviceName);

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    [TestCase(1, 1, 1, 1)]
    [TestCase(2, 3, 1, 5)]
    [TestCase(3, 2, 15, 2)]
    [TestCase(31, 1, 16, 31)]
    [TestCase(32, 1, 17, 3)]
    [TestCase(33, 2, 31, 40)]
    [TestCase(63, 3, 2, 16)]
    [TestCase(65, 2, 3, 17)]
    [TestCase(127, 2, 33, 127)]
    [TestCase(7, 33, 5, 3)]
    [TestCase(257, 1, 7, 63)]
    public void Integer_vectors_rank_exactly_as_the_reference_ties_and_all(int rows, int queries, int dimension, int k)
    {
        foreach (Similarity similarity in Enum.GetValues<Similarity>())
        {
            using var kernel = new SearchKernel(device, similarity);
            SearchCase c = SearchCase.Integers(rows, queries, dimension, k, similarity);
            c.AssertExact(c.Run(kernel));
        }
    }

    [Test]
    public void Real_vectors_agree_with_double_precision([Values] Similarity similarity, [Values(255, 256, 257, 530)] int dimension)
    {
        using var kernel = new SearchKernel(device, similarity);
        SearchCase c = SearchCase.Random(37, 2, dimension, 11, similarity);
        c.AssertClose(c.Run(kernel));
    }

    [TestCase(1e-15f)]
    [TestCase(1e17f)]
    public void Huge_and_tiny_vectors_agree_with_double_precision(float scale)
    {
        foreach (Similarity similarity in Enum.GetValues<Similarity>())
        {
            using var kernel = new SearchKernel(device, similarity);
            SearchCase c = SearchCase.Random(40, 2, 19, 7, similarity, scale: scale);
            c.AssertClose(c.Run(kernel));
        }
    }

    [Test]
    public void Chunks_and_slices_and_exclusions_change_nothing([Values] Similarity similarity, [Values(3, 50)] int k)
    {
        SearchCase c = SearchCase.Integers(50, 3, 4, k, similarity) with { Excluded = [49, -1, 0] };
        // 48 values of 3 scores a row: chunks of 12 rows, for the rows of 4 values weigh more.
        using var chunked = new SearchKernel(device, similarity, SimdLevels.Best, deviceChunk: 48);
        c.AssertExact(c.Run(chunked));
        using var kernel = new SearchKernel(device, similarity);
        c.AssertExact(c.Run(kernel, slice: 20));
    }

    [Test]
    public void Equal_rows_rank_by_id()
    {
        var c = new SearchCase(70, 2, 2, 35, Similarity.InnerProduct)
        {
            RowValues = [.. Enumerable.Repeat(0f, 140)],
            QueryValues = [1, 2, -0f, -1],
        };
        using var kernel = new SearchKernel(device, c.Similarity);
        c.AssertExact(c.Run(kernel));
    }

    [Test]
    public void One_kernel_serves_batches_of_every_size()
    {
        using var kernel = new SearchKernel(device, Similarity.L2);
        foreach ((int rows, int queries, int dimension, int k) in new[] { (40, 3, 5, 4), (3, 1, 2, 1), (60, 2, 9, 60) })
        {
            SearchCase c = SearchCase.Integers(rows, queries, dimension, k, Similarity.L2);
            c.AssertExact(c.Run(kernel));
        }
    }
}
