using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>Convolutions with the initialisations that torchvision gives them.</summary>
static class Convolutions
{
    /// <summary>ResNet's: no bias, normal with variance 2 / fan-out. He et al. 2015.</summary>
    public static Conv2d ResNet(long input, long output, long kernel, long stride, Generator generator)
    {
        Conv2d conv = nn.Conv2d(input, output, kernel, stride: stride, padding: kernel / 2, bias: false);
        using var _ = no_grad();
        conv.weight.normal_(0, Math.Sqrt(2.0 / (output * kernel * kernel)), generator);
        return conv;
    }

    /// <summary>SqueezeNet's: uniform with variance 2 / fan-in, bias 0.</summary>
    public static Conv2d SqueezeNet(long input, long output, long kernel, long stride, long padding, Generator generator)
    {
        Conv2d conv = nn.Conv2d(input, output, kernel, stride: stride, padding: padding);
        double bound = Math.Sqrt(6.0 / (input * kernel * kernel));
        using var _ = no_grad();
        conv.weight.uniform_(-bound, bound, generator);
        conv.bias!.zero_();
        return conv;
    }
}
