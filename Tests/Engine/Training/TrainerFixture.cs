using System.Text.Json.Nodes;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using SkiaSharp;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Engine.Training;

/// <summary>A drawn set of 4 classes × 4 images to train on, and small networks for it.</summary>
public abstract class TrainerFixture
{
    private protected const int Steps = 8;

    /// <summary>4 classes × 4 images, batches of 8: 2 steps an epoch.</summary>
    private protected static readonly TrainConfig Config = new()
    {
        Epochs = 4,
        BatchClasses = 4,
        BatchImagesPerClass = 2,
        DescriptorSize = 8,
        CheckpointEvery = 3,
        Seed = 5,
        LearningRate = 1e-3,
        Threat = new Threat { Epsilon = 4.0 / 255 },
        Augmentation = new AugmentationConfig { CropScale = 0.6, Brightness = 0.1, Contrast = 0.1, Saturation = 0.1 },
    };

    private protected readonly Device device = Device.Open("host", 1);
    private protected string folder = "";
    private protected ImageSet set = null!;

    [OneTimeSetUp]
    public void Draw()
    {
        folder = Directory.CreateTempSubdirectory("osprey-trainer-").FullName;
        var random = new Random(1);
        for (int c = 0; c < 4; c++)
        {
            string to = Directory.CreateDirectory(Path.Combine(folder, "set", $"class{c}")).FullName;
            for (int i = 0; i < 4; i++)
            {
                using var bitmap = new SKBitmap(32, 32);
                for (int p = 0; p < 1024; p++)
                    bitmap.SetPixel(p % 32, p / 32, new SKColor((byte)(60 * c), (byte)(p % 32 / (c + 1) % 2 * 200), (byte)random.Next(256)));
                using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
                File.WriteAllBytes(Path.Combine(to, $"{i}.png"), png.ToArray());
            }
        }
        set = ImageFolder.Open(Path.Combine(folder, "set"));
    }

    [OneTimeTearDown]
    public void Remove()
    {
        device.Dispose();
        Directory.Delete(folder, true);
    }

    private protected string Run(TrainConfig config, string? to = null, bool resume = false, IProgress<Progress>? progress = null,
        Architecture architecture = Architecture.Resnet18, int threads = 1, CancellationToken cancellation = default)
    {
        using Embedder embedder = New(architecture);
        return Trainer.Run(config, embedder, set, to ?? NewRun(), resume, device, threads, progress, cancellation).Directory;
    }

    private protected string NewRun() => Path.Combine(folder, Guid.NewGuid().ToString("n"));

    private protected Embedder New(Architecture architecture) => Embedder.Create(
        new EmbedderConfig { Architecture = architecture, Stage = architecture == Architecture.Resnet18 ? 2 : 4, ImageSize = 32 }, device, 3);

    /// <summary>The lines, but for the time they took.</summary>
    private protected static string[] Metrics(string run) => [.. File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(line =>
    {
        JsonObject o = JsonNode.Parse(line)!.AsObject();
        o.Remove("images_per_second");
        return o.ToJsonString();
    })];

    private protected sealed class KilledException : Exception;

    /// <summary>Stops the run after a step's line is written and before its checkpoint, as a kill would.</summary>
    private protected sealed class Killer(int step) : IProgress<Progress>
    {
        public void Report(Progress value)
        {
            if (value.Done == step) throw new KilledException();
        }
    }

    private protected sealed class At(int step, Action action) : IProgress<Progress>
    {
        public void Report(Progress value)
        {
            if (value.Done == step) action();
        }
    }

    private protected sealed class Each(Action action) : IProgress<Progress>
    {
        public void Report(Progress value) => action();
    }
}
