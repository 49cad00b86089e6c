using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>What losses on the images of one batch ask about every two of them.</summary>
static class Pairs
{
    /// <summary>Inner products of all rows, [N,N].</summary>
    /// <remarks>Not matmul: TorchSharp 0.107 does not catch its C++ exception, and a wrong shape would end the process.</remarks>
    public static Tensor Similarities(Tensor rows) => nn.functional.linear(rows, rows);

    /// <summary>‖a−b‖² of all rows, [N,N], not below 0.</summary>
    public static Tensor SquaredDistances(Tensor rows)
    {
        Tensor squares = rows.square().sum(1);
        return (squares.unsqueeze(1) + squares.unsqueeze(0) - 2 * Similarities(rows)).clamp_min(0);
    }

    /// <summary>1 where two different images are of one class, [N,N]; else 0.</summary>
    public static Tensor SameClass(Tensor labels) => labels.unsqueeze(1).eq(labels.unsqueeze(0)).to_type(ScalarType.Float32) * Others(labels.shape[0]);

    /// <summary>1 where two images are of two classes, [N,N]; else 0.</summary>
    public static Tensor OtherClass(Tensor labels) => labels.unsqueeze(1).ne(labels.unsqueeze(0)).to_type(ScalarType.Float32);

    /// <summary>1 off the diagonal, [N,N].</summary>
    public static Tensor Others(long images) => 1 - eye(images);
}
