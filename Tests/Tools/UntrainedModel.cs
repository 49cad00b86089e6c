using Osprey.Engine.Model;
using Osprey.Kernels;

namespace Osprey.Tests.Tools;

/// <summary>The smallest model that the tool's verbs describe images with: two stages of a ResNet-18, images of 32 px, random weights.</summary>
static class UntrainedModel
{
    public static void Save(string path, int seed = 5)
    {
        using Device device = Device.Open("host", 2);
        using Embedder embedder = Embedder.Create(new EmbedderConfig { Architecture = Architecture.Resnet18, Stage = 2, ImageSize = 32 }, device, seed);
        embedder.Save(path);
    }
}
