using NUnit.Framework;
using Osprey.Engine.Training;
using static Osprey.Tests.Engine.Training.UnitRows;
using static TorchSharp.torch;

namespace Osprey.Tests.Engine.Training;

/// <summary>The losses that compare the images of a batch with each other.</summary>
[TestFixture]
public class PairLossTests
{
    const double ContrastiveMargin = 0.9, TripletMargin = 0.3, Temperature = 0.05;

    static readonly LossKind[] Kinds = [LossKind.Contrastive, LossKind.Triplet, LossKind.SmoothAP];

    /// <summary>(Images, dimension, label of each): balanced; uneven with a class of one; primes; barely more than nothing.</summary>
    static readonly (int D, int[] Labels)[] Batches =
    [
        (4, [0, 0, 0, 1, 1, 1, 2, 2, 2]),
        (3, [0, 1, 1, 2, 2, 2, 2]),
        (7, [4, 1, 4, 1, 9, 9, 4, 1, 9, 9, 4]),
        (2, [0, 0, 1]),
    ];

    [Test]
    public void The_loss_is_that_of_a_plain_loop_and_its_gradient_that_of_finite_differences([ValueSource(nameof(Kinds))] LossKind kind, [Range(0, 3)] int batch)
    {
        using var scope = NewDisposeScope();
        (int d, int[] labels) = Batches[batch];
        double[] rows = Draw(batch + 1, labels.Length, d);
        (double value, float[] _, Tensor gradient) = Compute(kind, rows, labels);
        Assert.That(value, Is.EqualTo(Loop(kind, rows, labels)).Within(2e-5));
        Assert.That(value, Is.GreaterThan(0), "nothing would be tested");
        AssertGradient(gradient, rows, x => Loop(kind, x, labels));
    }

    /// <summary>In the plane at 0°, 90°, 180°: squared distances 2, 2 and 4.</summary>
    [TestCase(LossKind.Contrastive, new[] { 0, 0, 1 }, (2.0 / 2 + 0 + 0) / 3)]
    [TestCase(LossKind.Contrastive, new[] { 0, 1, 0 }, (4.0 / 2 + 0 + 0) / 3)]
    // Anchor 0: 2 − 4 + 0.3, below 0; anchor 1: 2 − 2 + 0.3; image 2 has no positive.
    [TestCase(LossKind.Triplet, new[] { 0, 0, 1 }, 0.3 / 2)]
    // Query 0 finds 1 (s = 0) before 2 (s = −1), and 1 is no positive: precision ½; query 2 likewise.
    [TestCase(LossKind.SmoothAP, new[] { 0, 1, 0 }, 0.5)]
    public void Right_angles_by_hand(LossKind kind, int[] labels, double expected)
    {
        using var scope = NewDisposeScope();
        Assert.That(Compute(kind, [1, 0, 0, 1, -1, 0], labels).Value, Is.EqualTo(expected).Within(1e-6));
    }

    [TestCase(LossKind.Contrastive, new[] { 3 }, Description = "one image")]
    [TestCase(LossKind.Triplet, new[] { 3 })]
    [TestCase(LossKind.SmoothAP, new[] { 3 })]
    [TestCase(LossKind.Triplet, new[] { 0, 1, 2, 3 }, Description = "no positive")]
    [TestCase(LossKind.SmoothAP, new[] { 0, 1, 2, 3 })]
    [TestCase(LossKind.Triplet, new[] { 5, 5, 5, 5 }, Description = "no negative")]
    [TestCase(LossKind.SmoothAP, new[] { 5, 5, 5, 5 })]
    public void A_batch_with_nothing_to_compare_gives_0_and_gradients_of_0(LossKind kind, int[] labels)
    {
        using var scope = NewDisposeScope();
        (double value, float[] gradient, _) = Compute(kind, Draw(1, labels.Length, 3), labels);
        Assert.That(value, Is.Zero);
        Assert.That(gradient, Has.All.EqualTo(0).Within(1e-7));
    }

    [TestCase(new[] { 0, 1, 2, 3 }, Description = "only pushes apart")]
    [TestCase(new[] { 5, 5, 5, 5 }, Description = "only pulls together")]
    public void Contrastive_takes_whatever_pairs_there_are(int[] labels)
    {
        using var scope = NewDisposeScope();
        double[] rows = Draw(1, labels.Length, 2);
        (double value, _, Tensor gradient) = Compute(LossKind.Contrastive, rows, labels);
        Assert.That(value, Is.GreaterThan(0).And.EqualTo(Loop(LossKind.Contrastive, rows, labels)).Within(1e-5));
        AssertGradient(gradient, rows, x => Loop(LossKind.Contrastive, x, labels));
    }

    /// <summary>As after a collapse: no distance has a direction.</summary>
    [Test]
    public void Descriptors_on_one_spot_have_finite_gradients([ValueSource(nameof(Kinds))] LossKind kind)
    {
        using var scope = NewDisposeScope();
        (double value, float[] gradient, _) = Compute(kind, [1, 0, 1, 0, 1, 0, 1, 0], [0, 0, 1, 1]);
        double expected = kind switch
        {
            LossKind.Contrastive => 4.0 / 6 * ContrastiveMargin * ContrastiveMargin / 2,
            LossKind.Triplet => TripletMargin,
            // All are half before each other: the positive's rank is 1 among positives and 2 among all.
            _ => 0.5,
        };
        Assert.That(value, Is.EqualTo(expected).Within(1e-5));
        Assert.That(gradient, Has.All.Matches<float>(float.IsFinite));
    }

    [Test]
    public void A_descriptor_that_is_no_number_shows([ValueSource(nameof(Kinds))] LossKind kind)
    {
        using var scope = NewDisposeScope();
        Assert.That(Compute(kind, [double.NaN, 0, 1, 0, 0, 1, -1, 0], [0, 0, 1, 1]).Value, Is.NaN);
    }

    [TestCase(LossKind.Contrastive, typeof(Contrastive))]
    [TestCase(LossKind.Triplet, typeof(Triplet))]
    [TestCase(LossKind.SmoothAP, typeof(SmoothAP))]
    public void The_configuration_chooses_the_loss_and_there_is_nothing_to_learn_in_it(LossKind kind, Type type)
    {
        using MetricLoss loss = Create(kind);
        Assert.That(loss, Is.TypeOf(type));
        Assert.That(loss.Parameters, Is.Empty);
    }

    static MetricLoss Create(LossKind kind) => MetricLoss.Create(
        new TrainConfig { Loss = kind, ContrastiveMargin = ContrastiveMargin, TripletMargin = TripletMargin, SmoothAPTemperature = Temperature }, 3, 4);

    static (double Value, float[] Gradient, Tensor AsTensor) Compute(LossKind kind, double[] rows, int[] labels)
    {
        using MetricLoss loss = Create(kind);
        Tensor unit = tensor(rows.Select(v => (float)v).ToArray(), [labels.Length, rows.Length / labels.Length], requires_grad: true);
        Tensor value = loss.Compute(unit, tensor(labels.Select(l => (long)l).ToArray()));
        value.backward();
        return (value.item<float>(), [.. unit.grad!.data<float>()], unit.grad!);
    }

    static double Loop(LossKind kind, double[] rows, int[] labels) => kind switch
    {
        LossKind.Contrastive => ContrastiveLoop(rows, labels),
        LossKind.Triplet => TripletLoop(rows, labels),
        _ => SmoothAPLoop(rows, labels),
    };

    static double ContrastiveLoop(double[] rows, int[] labels)
    {
        double sum = 0;
        int pairs = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            for (int j = i + 1; j < labels.Length; j++, pairs++)
            {
                double squared = Squared(rows, labels.Length, i, j), gap = Math.Max(0, ContrastiveMargin - Math.Sqrt(squared));
                sum += labels[i] == labels[j] ? squared / 2 : gap * gap / 2;
            }
        }
        return sum / pairs;
    }

    static double TripletLoop(double[] rows, int[] labels)
    {
        double sum = 0;
        int anchors = 0;
        for (int a = 0; a < labels.Length; a++)
        {
            int[] others = [.. Enumerable.Range(0, labels.Length).Where(i => i != a)];
            double[] positives = [.. others.Where(i => labels[i] == labels[a]).Select(i => Squared(rows, labels.Length, a, i))];
            double[] negatives = [.. others.Where(i => labels[i] != labels[a]).Select(i => Squared(rows, labels.Length, a, i))];
            if (positives.Length == 0 || negatives.Length == 0) continue;
            sum += Math.Max(0, positives.Max() - negatives.Min() + TripletMargin);
            anchors++;
        }
        return sum / anchors;
    }

    static double SmoothAPLoop(double[] rows, int[] labels)
    {
        int n = labels.Length, d = rows.Length / n, queries = 0;
        double Similarity(int i, int j) => Enumerable.Range(0, d).Sum(c => rows[i * d + c] * rows[j * d + c]);
        double sum = 0;
        for (int q = 0; q < n; q++)
        {
            int[] ranked = [.. Enumerable.Range(0, n).Where(i => i != q)], positives = [.. ranked.Where(i => labels[i] == labels[q])];
            if (positives.Length == 0) continue;
            double precision = 0;
            foreach (int i in positives)
            {
                double Before(IEnumerable<int> set) => 1 + set.Where(j => j != i).Sum(j => 1 / (1 + Math.Exp(-(Similarity(q, j) - Similarity(q, i)) / Temperature)));
                precision += Before(positives) / Before(ranked);
            }
            sum += precision / positives.Length;
            queries++;
        }
        return 1 - sum / queries;
    }

    static double Squared(double[] rows, int n, int i, int j)
    {
        int d = rows.Length / n;
        return Enumerable.Range(0, d).Sum(c => Math.Pow(rows[i * d + c] - rows[j * d + c], 2));
    }
}
