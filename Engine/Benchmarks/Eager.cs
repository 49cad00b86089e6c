using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Benchmarks;

/// <summary>Our operations as a user of torch writes them. On float64 tensors they are the reference, on float32 tensors the peer.</summary>
public static class Eager
{
    /// <summary>[N,C,h,w] → [N,C]; <paramref name="power"/> of one value, learned.</summary>
    public static Tensor Gem(Tensor map, Tensor power) => map.clamp_min(1e-6).pow(power).mean([2, 3]).pow(1 / power);

    public static Tensor Gem(Tensor map, double power) => map.clamp_min(1e-6).pow(power).mean([2, 3]).pow(1 / power);

    public static Tensor Spoc(Tensor map) => map.mean([2, 3]);

    public static Tensor Mac(Tensor map) => map.amax([2, 3]);

    /// <summary>
    /// Maxima over the map and over squares on three scales, each brought to unit length, added up: cnnimageretrieval-pytorch's <c>rmac</c>, with its
    /// max-pool, whose gradient goes to the first of equal maxima.
    /// </summary>
    public static Tensor Rmac(Tensor map)
    {
        const int levels = 3;
        const double overlap = 0.4;
        int height = (int)map.shape[2], width = (int)map.shape[3], shorter = Math.Min(height, width), more = 0;
        if (height != width)
        {
            double Off(int regions) => Math.Abs(1 - (Math.Abs(height - width) / (regions - 1.0) / shorter) - overlap);
            more = Enumerable.Range(2, 6).MinBy(Off) - 1;
        }
        int down = height > width ? more : 0, across = width > height ? more : 0;
        Tensor sum = UnitRows(Largest(map));
        for (int level = 1; level <= levels; level++)
        {
            int side = 2 * shorter / (level + 1);
            if (side == 0) continue;
            foreach (int top in Places(level + down, height - side))
            {
                foreach (int left in Places(level + across, width - side))
                    sum += UnitRows(Largest(map.narrow(2, top, side).narrow(3, left, side)));
            }
        }
        return sum;

        static Tensor Largest(Tensor region) => nn.functional.max_pool2d(region, [region.shape[2], region.shape[3]]).flatten(1);

        static IEnumerable<int> Places(int number, int free) => Enumerable.Range(0, number).Select(i => number == 1 ? 0 : i * free / (number - 1));
    }

    /// <summary>Sums weighted by position and channel (Kalantidis et al. 2016).</summary>
    public static Tensor Crow(Tensor map)
    {
        Tensor sums = map.sum(1, keepdim: true), share = (map != 0).to(map.dtype).mean([2, 3]);
        Tensor spatial = (sums / sums.flatten(1).norm(1, keepdim: false, p: 2).view(-1, 1, 1, 1)).sqrt();
        return (map * spatial).sum([2, 3]) * (share.sum(1, keepdim: true) / share).log();
    }

    /// <summary>[N,D] → rows of length 1.</summary>
    public static Tensor UnitRows(Tensor rows) => rows / (rows.norm(1, keepdim: true, p: 2) + 1e-6);

    /// <summary>x + α·sign(g), into the ball and the pixel range.</summary>
    public static Tensor LInfStep(Tensor clean, Tensor gradient, Tensor x, double step, double epsilon) =>
        (x + (step * gradient.sign())).maximum(clean - epsilon).minimum(clean + epsilon).clamp_(0, 1);

    /// <summary>x + α·g/‖g‖, into the ball and the pixel range; norms per image.</summary>
    public static Tensor L2Step(Tensor clean, Tensor gradient, Tensor x, double step, double epsilon)
    {
        Tensor moved = x + (step * gradient / (Length(gradient) + 1e-10)) - clean;
        return (clean + (moved * (epsilon / Length(moved)).clamp_max(1))).clamp_(0, 1);
    }

    /// <summary>m ← μ·m + g/‖g‖₁, norms per image, in place (MI-FGSM, Dong et al. 2018).</summary>
    public static Tensor Momentum(Tensor momentum, Tensor gradient, double decay) =>
        momentum.mul_(decay).add_(gradient / gradient.abs().sum([1, 2, 3], keepdim: true));

    /// <summary>clean + U[−ε, ε).</summary>
    public static Tensor LInfStart(Tensor clean, double epsilon) => (clean + empty_like(clean).uniform_(-epsilon, epsilon)).clamp_(0, 1);

    /// <summary>A uniform direction times ε·u^(1/d).</summary>
    public static Tensor L2Start(Tensor clean, double epsilon)
    {
        Tensor direction = randn_like(clean);
        long values = clean.numel() / clean.shape[0];
        Tensor radius = epsilon * rand([clean.shape[0], 1, 1, 1], clean.dtype).pow(1.0 / values);
        return (clean + (direction * (radius / Length(direction)))).clamp_(0, 1);
    }

    static Tensor Length(Tensor images) => images.flatten(1).norm(1, keepdim: false, p: 2).view(-1, 1, 1, 1);

    /// <summary>Runs outside autograd and frees all that was made.</summary>
    public static void Run(Func<Tensor> call)
    {
        using DisposeScope scope = NewDisposeScope();
        using var plain = no_grad();
        call();
    }

    /// <summary>Largest difference of a result from its 64-bit reference, relative to the reference's largest value.</summary>
    public static double Error(Tensor got, Tensor reference)
    {
        using Tensor difference = (got.to(float64) - reference).abs().max(), scale = reference.abs().max();
        double largest = scale.item<double>();
        return difference.item<double>() / (largest == 0 ? 1 : largest);
    }
}
