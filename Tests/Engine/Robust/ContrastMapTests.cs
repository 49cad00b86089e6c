using NUnit.Framework;
using Osprey.Engine.Robust;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Tests.Engine.Robust;

[TestFixture]
public class ContrastMapTests
{
    DisposeScope scope = null!;

    [SetUp]
    public void Begin() => scope = NewDisposeScope();

    [TearDown]
    public void End() => scope.Dispose();

    [Test]
    public void A_flat_area_has_no_reach_and_an_edge_has_all_of_it()
    {
        // 0.9 to the left of column 12, 0.1 from there on: within four columns of the edge a window sees both.
        Tensor pixels = full([1, 3, 20, 24], 0.9f);
        pixels[TensorIndex.Colon, TensorIndex.Colon, TensorIndex.Colon, TensorIndex.Slice(12)] = 0.1f;
        Tensor map = ContrastMap.Of(pixels, 0.2);
        Assert.That(map.shape, Is.EqualTo(new long[] { 1, 1, 20, 24 }));
        for (int x = 0; x < 24; x++)
        {
            float reach = map[0, 0, 10, x].item<float>();
            // Nine columns, k of them dark: σ = 0.8·√(k(9−k))/9, at least 0.25 where k is 1.
            bool nearEdge = x is >= 8 and <= 15;
            Assert.That(reach, nearEdge ? Is.EqualTo(1) : Is.EqualTo(0).Within(5e-3), $"column {x}");
        }
    }

    [Test]
    public void Below_full_contrast_the_reach_is_in_proportion()
    {
        // Columns 0.5 ± a in turn: five of one and four of the other in a window, σ = a·√80/9.
        const double A = 0.03, Full = 0.12;
        float[] row = [.. Enumerable.Range(0, 16).Select(x => (float)(0.5 + (x % 2 == 0 ? A : -A)))];
        Tensor pixels = tensor(row).view(1, 1, 1, 16).expand(1, 3, 16, 16);
        float reach = ContrastMap.Of(pixels, Full)[0, 0, 8, 8].item<float>();
        Assert.That(reach, Is.EqualTo(A * Math.Sqrt(80) / 9 / Full).Within(1e-4));
    }

    [TestCase(1, 1, 1)]
    [TestCase(2, 3, 3)]
    [TestCase(1, 8, 13)]
    [TestCase(3, 17, 9)]
    public void It_is_the_plain_loop_over_windows_cut_off_at_the_border(int n, int height, int width)
    {
        const double Full = 0.3;
        var random = new Random(7);
        float[] values = [.. Enumerable.Range(0, n * 3 * height * width).Select(_ => random.NextSingle())];
        Tensor map = ContrastMap.Of(tensor(values, [n, 3, height, width]), Full);
        Assert.That(map.shape, Is.EqualTo(new long[] { n, 1, height, width }));
        for (int i = 0; i < n; i++)
        {
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    var window = new List<double>();
                    for (int v = Math.Max(0, y - 4); v <= Math.Min(height - 1, y + 4); v++)
                        for (int u = Math.Max(0, x - 4); u <= Math.Min(width - 1, x + 4); u++)
                            window.Add(Enumerable.Range(0, 3).Average(c => (double)values[(((((i * 3) + c) * height) + v) * width) + u]));
                    double mean = window.Average(), deviation = Math.Sqrt(window.Average(b => (b - mean) * (b - mean)));
                    Assert.That(map[i, 0, y, x].item<float>(), Is.EqualTo(Math.Min(1, deviation / Full)).Within(2e-3), $"{i}, {y}, {x}");
                }
            }
        }
    }

    [Test]
    public void It_asks_for_no_gradient()
    {
        Tensor pixels = rand(1, 3, 12, 12).requires_grad_(true);
        Assert.That(ContrastMap.Of(pixels, 0.1).requires_grad, Is.False);
    }
}
