using NUnit.Framework;
using Osprey.Engine.Training;
using TorchSharp.Modules;
using static Osprey.Tests.Engine.Training.UnitRows;
using static TorchSharp.torch;

namespace Osprey.Tests.Engine.Training;

[TestFixture]
public class MetricLossTests
{
    const double Scale = 30, Margin = 0.5;

    [TestCase(true, 5, 3, 4)]
    [TestCase(true, 16, 7, 8)]
    [TestCase(false, 5, 3, 4)]
    [TestCase(true, 3, 1, 2)]
    public void The_loss_is_that_of_a_plain_loop_and_its_gradients_that_of_finite_differences(bool margin, int n, int k, int d)
    {
        using var scope = NewDisposeScope();
        using MetricLoss loss = Create(margin, k, d);
        double[] rows = Draw(n, n, d);
        int[] labels = [.. Enumerable.Range(0, n).Select(i => i % k)];
        Parameter weights = loss.Parameters[0].Value;
        double[] w = [.. weights.data<float>().Select(v => (double)v)];
        // One descriptor opposite to its class: beyond cos(π−m), on the straight piece.
        for (int c = 0; c < d; c++) rows[c] = -w[labels[0] * d + c];
        Normalise(rows.AsSpan(0, d));

        using Tensor unit = tensor(rows.Select(v => (float)v).ToArray(), [n, d], requires_grad: true);
        using Tensor value = loss.Compute(unit, tensor(labels.Select(l => (long)l).ToArray()));
        value.backward();

        double m = margin ? Margin : 0;
        Assert.That(value.item<float>(), Is.EqualTo(Loop(rows, w, labels, k, d, m)).Within(2e-5).Percent.Or.EqualTo(Loop(rows, w, labels, k, d, m)).Within(2e-5));
        AssertGradient(unit.grad!, rows, x => Loop(x, w, labels, k, d, m));
        AssertGradient(weights.grad!, w, x => Loop(rows, x, labels, k, d, m));
    }

    [Test]
    public void A_descriptor_on_its_class_direction_has_finite_gradients([Values(1.0, -1.0)] double sign)
    {
        using var scope = NewDisposeScope();
        using MetricLoss loss = Create(margin: true, classes: 2, dimension: 2);
        using (no_grad()) loss.Parameters[0].Value.copy_(eye(2));
        using Tensor unit = tensor(new[] { (float)sign, 0f }, [1, 2], requires_grad: true);
        using Tensor value = loss.Compute(unit, tensor(new[] { 0L }));
        value.backward();
        Assert.That(unit.grad!.data<float>().ToArray(), Has.All.Matches<float>(float.IsFinite));
        // The mass of the margin is exact there: θ = 0 gives cos m, θ = π gives −1 − m·sin m.
        double target = sign > 0 ? Math.Cos(Margin) : -1 - Margin * Math.Sin(Margin);
        Assert.That(value.item<float>(), Is.EqualTo(Math.Log(1 + Math.Exp(Scale * (0 - target)))).Within(0.001).Percent.Or.EqualTo(0).Within(1e-6));
    }

    [Test]
    public void Class_directions_start_in_Xaviers_range_and_follow_the_seed()
    {
        using MetricLoss one = new NormSoftmax(30, 256, Scale, 7), same = new NormSoftmax(30, 256, Scale, 7), other = new NormSoftmax(30, 256, Scale, 8);
        float[] w = Values(one);
        double bound = Math.Sqrt(6.0 / (30 + 256));
        Assert.That(w.Max(), Is.LessThanOrEqualTo(bound).And.GreaterThan(0.99 * bound));
        Assert.That(w.Min(), Is.GreaterThanOrEqualTo(-bound).And.LessThan(-0.99 * bound));
        // Variance of the uniform law, bound²/3; 7,680 draws have a standard error of about 1 %.
        Assert.That(w.Average(v => (double)v * v), Is.EqualTo(bound * bound / 3).Within(5).Percent);
        Assert.That(Values(same), Is.EqualTo(w));
        Assert.That(Values(other), Is.Not.EqualTo(w));
    }

    [Test]
    public void The_configuration_chooses_the_loss()
    {
        using MetricLoss arc = MetricLoss.Create(new TrainConfig { Loss = LossKind.ArcFace }, 3, 4);
        using MetricLoss plain = MetricLoss.Create(new TrainConfig { Loss = LossKind.NormSoftmax }, 3, 4);
        Assert.That(arc, Is.TypeOf<ArcFace>());
        Assert.That(plain, Is.TypeOf<NormSoftmax>());
    }

    static MetricLoss Create(bool margin, int classes, int dimension)
        => margin ? new ArcFace(classes, dimension, Scale, Margin, 1) : new NormSoftmax(classes, dimension, Scale, 1);

    static float[] Values(MetricLoss loss) => [.. loss.Parameters[0].Value.data<float>()];

    static double Loop(double[] rows, double[] weights, int[] labels, int k, int d, double m)
    {
        double sum = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            var logits = new double[k];
            for (int c = 0; c < k; c++)
            {
                double dot = 0, norm = 0;
                for (int j = 0; j < d; j++)
                {
                    dot += rows[i * d + j] * weights[c * d + j];
                    norm += weights[c * d + j] * weights[c * d + j];
                }
                double cosine = dot / Math.Sqrt(norm);
                if (c == labels[i] && m > 0)
                {
                    double theta = Math.Acos(Math.Clamp(cosine, -1, 1));
                    cosine = cosine > Math.Cos(Math.PI - m) ? Math.Cos(theta + m) : cosine - m * Math.Sin(Math.PI - m);
                }
                logits[c] = Scale * cosine;
            }
            double max = logits.Max();
            sum += max + Math.Log(logits.Sum(l => Math.Exp(l - max))) - logits[labels[i]];
        }
        return sum / labels.Length;
    }
}
