using System.Text;
using Osprey.Engine.Model;
using static TorchSharp.torch;

namespace Osprey.Tests.Engine.Model;

/// <summary>The formula of Tests/Oracle/backbones.py: weights and images that both sides compute instead of storing.</summary>
static class OracleWeights
{
    /// <summary>u(name, i) in [−1, 1) for i = 0 … count−1.</summary>
    public static float[] Uniform(string name, long count)
    {
        uint h = 0x811C9DC5;
        foreach (byte b in Encoding.UTF8.GetBytes(name)) h = (h ^ b) * 0x01000193;
        float[] values = new float[count];
        for (long i = 0; i < count; i++)
        {
            uint x = h + (uint)i * 0x9E3779B9;
            x = (x ^ (x >> 16)) * 0x85EBCA6B;
            x = (x ^ (x >> 13)) * 0xC2B2AE35;
            x ^= x >> 16;
            values[i] = (x >> 8) / 8388608f - 1;
        }
        return values;
    }

    public static Tensor Image() => tensor(Uniform("input", 2 * 3 * 65 * 97), [2, 3, 65, 97]);

    /// <summary>Weights of a backbone's names and shapes; the caller owns them.</summary>
    public static Dictionary<string, Tensor> For(Backbone backbone) =>
        ModuleTensors.State(backbone).ToDictionary(t => t.Key, t => Fill(t.Key, t.Value.shape));

    static Tensor Fill(string name, long[] shape)
    {
        if (name.EndsWith("num_batches_tracked", StringComparison.Ordinal)) return zeros([], dtype: ScalarType.Int64);
        float[] u = Uniform(name, shape.Aggregate(1L, (a, b) => a * b));
        double scale = shape.Length == 4 ? Math.Sqrt(6.0 / (shape[1] * shape[2] * shape[3])) : name.EndsWith("running_var", StringComparison.Ordinal) ? 0.25 : 0.1;
        double offset = name.EndsWith("running_var", StringComparison.Ordinal) ? 1
            : shape.Length == 4 || name.EndsWith("bias", StringComparison.Ordinal) || name.EndsWith("running_mean", StringComparison.Ordinal) ? 0 : 0.5;
        for (int i = 0; i < u.Length; i++) u[i] = (float)(offset + u[i] * scale);
        return tensor(u, shape);
    }
}
