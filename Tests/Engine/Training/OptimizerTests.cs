using NUnit.Framework;
using Osprey.Engine.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Tests.Engine.Training;

[TestFixture]
public class OptimizerTests
{
    const double Rate = 0.01;

    [Test]
    public void Ten_updates_are_those_of_a_plain_loop([Values] OptimizerKind kind, [Values(0, 0.1)] double decay)
    {
        using var scope = NewDisposeScope();
        var config = new TrainConfig { Optimizer = kind, WeightDecay = decay, Beta1 = 0.8, Beta2 = 0.99, Momentum = 0.7 };
        var random = new Random(1);
        float[] matrix = Draw(random, 6), vector = Draw(random, 3);
        using var a = new Parameter(tensor(matrix, [2, 3]));
        using var b = new Parameter(tensor(vector, [3]));
        using var optimizer = new Optimizer(config, [new("a", a, 1), new("b", b, 10)]);

        var loops = new[] { new Loop(config, matrix, decay, 1), new Loop(config, vector, 0, 10) };
        for (int step = 1; step <= 10; step++)
        {
            float[][] gradients = [Draw(random, 6), Draw(random, 3)];
            // The gradient of Σ g·θ is g.
            optimizer.ZeroGradients();
            ((a * tensor(gradients[0], [2, 3])).sum() + (b * tensor(gradients[1], [3])).sum()).backward();
            Assert.That(optimizer.GradientNorm(), Is.EqualTo(Math.Sqrt(gradients.SelectMany(g => g).Sum(v => (double)v * v))).Within(1e-5));
            optimizer.Step(Rate / step, 0.5);
            for (int i = 0; i < 2; i++) loops[i].Step(gradients[i], Rate / step, step);
        }
        Assert.That(a.data<float>().ToArray().Select(v => (double)v), Is.EqualTo(loops[0].Values).Within(1e-5));
        Assert.That(b.data<float>().ToArray().Select(v => (double)v), Is.EqualTo(loops[1].Values).Within(1e-5));
    }

    [Test]
    public void A_parameter_without_a_gradient_stays()
    {
        using var scope = NewDisposeScope();
        using var used = new Parameter(ones(2));
        using var idle = new Parameter(ones(2));
        using var optimizer = new Optimizer(new TrainConfig(), [new("used", used, 1), new("idle", idle, 1)]);
        used.sum().backward();
        optimizer.Step(Rate);
        Assert.That(idle.data<float>().ToArray(), Is.EqualTo(new[] { 1f, 1f }));
        Assert.That(used.data<float>().ToArray(), Has.All.LessThan(1f));
    }

    [Test]
    public void The_norm_of_a_broken_gradient_is_not_finite([Values(float.NaN, float.PositiveInfinity)] float broken)
    {
        using var scope = NewDisposeScope();
        using var p = new Parameter(ones(3));
        using var optimizer = new Optimizer(new TrainConfig(), [new("p", p, 1)]);
        (p * tensor(new[] { 1f, broken, 1f })).sum().backward();
        Assert.That(double.IsFinite(optimizer.GradientNorm()), Is.False);
    }

    static float[] Draw(Random random, int n) => [.. Enumerable.Range(0, n).Select(_ => (float)(random.NextDouble() * 2 - 1))];

    /// <summary>The formulas of the papers, in doubles; gradients are halved, as the test's clipping does.</summary>
    sealed class Loop(TrainConfig config, float[] start, double decay, double factor)
    {
        public readonly double[] Values = [.. start.Select(v => (double)v)];
        readonly double[] m = new double[start.Length], v = new double[start.Length];

        public void Step(float[] gradient, double rate, int t)
        {
            rate *= factor;
            for (int i = 0; i < Values.Length; i++)
            {
                double g = gradient[i] * 0.5;
                if (config.Optimizer == OptimizerKind.AdamW) Values[i] -= rate * decay * Values[i];
                else g += decay * Values[i];
                if (config.Optimizer == OptimizerKind.Sgd)
                {
                    m[i] = config.Momentum * m[i] + g;
                    Values[i] -= rate * m[i];
                    continue;
                }
                m[i] = config.Beta1 * m[i] + (1 - config.Beta1) * g;
                v[i] = config.Beta2 * v[i] + (1 - config.Beta2) * g * g;
                Values[i] -= rate * (m[i] / (1 - Math.Pow(config.Beta1, t))) / (Math.Sqrt(v[i] / (1 - Math.Pow(config.Beta2, t))) + 1e-8);
            }
        }
    }
}
