using System.Text.Json;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Evaluation.Report;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Interop.Mpi;
using Osprey.Kernels;
using Osprey.Kernels.Perturbation;
using SkiaSharp;

namespace Osprey.Tests.Engine.Evaluation;

/// <summary>Two models on two small sets of pictures in a temporary folder, without any network: the descriptors are clusters.</summary>
public sealed class SampleEvaluation : IDisposable
{
    const int Classes = 4, PerClass = 8, Size = 24;

    /// <summary>A class name that would break a page that does not escape.</summary>
    public const string AwkwardClass = "a<b>&'\"c";

    public static readonly EvalConfig Config = new()
    {
        SplitRuns = 2,
        BootstrapSamples = 50,
        GalleryQueries = 3,
        Threats = [.. EvalConfig.Pgd10(PerturbationNorm.LInf, 1.0 / 255, 4.0 / 255), .. EvalConfig.Pgd10(PerturbationNorm.L2, 0.5)],
    };

    public SampleEvaluation()
    {
        Folder = Directory.CreateTempSubdirectory("osprey-evaluation-").FullName;
        using Device host = Device.Open("host", 2);
        var results = new List<ModelResult>();
        var galleries = new List<Gallery>();
        foreach (string data in (string[])["fields", "coast"])
        {
            ImageSet set = Draw(data);
            (ModelResult, DescriptorSet)[] models = [Measure("baseline", set, 0.4, host), Measure("robust", set, 1.2, host)];
            results.AddRange(models.Select(m => m.Item1));
            galleries.Add(Gallery.Create(models, Config, host));
        }
        (IReadOnlyList<ModelDifference> each, IReadOnlyList<MeanDifference> mean) = Comparison.Run(results, [new ModelGroup("baseline", ["baseline"]), new ModelGroup("robust", ["robust"])], Config);
        Result = new EvaluationResult(galleries)
        {
            Results = results,
            Differences = each,
            MeanDifferences = mean,
            Groups = Comparison.Groups(results, [new ModelGroup("both", ["baseline", "robust"])]),
            Config = Config,
        };
    }

    /// <summary>What a page tells of it: a run with a held-out part, and one without attacked images.</summary>
    public ReportOrigin Origin { get; } = new("Title with <angles> & ampersands", new DecodeOptions())
    {
        Command = "osprey eval --data 'a b'",
        Models =
        [
            new ModelOrigin("baseline", new EmbedderConfig { Stage = 3 }, new string('a', 64)),
            new ModelOrigin("robust", new EmbedderConfig { DescriptorSize = 12 }, new string('b', 64),
                JsonDocument.Parse("""{"train":{"recipe":"advprop","loss":"arcface","epochs":2,"seed":17},"data":{"name":"fields","images":1800}}""").RootElement,
                new TrainingCurve("robust", [(1, 12.5), (2, 9), (3, 7.25)]) { Attacked = [(1, 13), (2, 10), (3, 8)], Epochs = [new TrainingEpoch(1, 2, 10.75, 0.31), new TrainingEpoch(2, 3, 7.25, 0.42)] }),
        ],
        Surroundings = [("Osprey", "0.1.0"), ("Processor", "a <fast> one")],
    };

    public string Folder { get; }

    public EvaluationResult Result { get; }

    static (ModelResult, DescriptorSet) Measure(string model, ImageSet set, double pull, Device host)
    {
        // Images are listed class by class, the clusters round robin: the rows are put in the images' order.
        DescriptorSet clusters = Oracles.Clusters(Classes * PerClass, 12, Classes, 3, pull);
        int[] order = [.. Enumerable.Range(0, clusters.Count).OrderBy(i => clusters.Labels[i]).ThenBy(i => i)];
        var descriptors = new DescriptorSet(clusters.Rows(order), 12, set.Labels(), Classes);
        ModelResult result = DescriptorEvaluation.Run(model, set, descriptors, 32, [new BadFile("/data/broken.jpg", "the file is empty")], Config, host, SingleProcess.Alone, null, default);
        result.Robust = [.. Config.Threats.Select(t => Attacked(t, result, descriptors, host))];
        result.AttackChecks =
        [
            new AttackCheck(AttackCheckKind.LargerEpsilon, PerturbationNorm.LInf, "1/255", "4/255", 16, [new AttackCheckFigure("map", 0.4, 0.3, [-0.12, -0.08], Passed: true)]),
            new AttackCheck(AttackCheckKind.AboveNoise, PerturbationNorm.L2, "noise at 0.5", "10 steps at 0.5", 16,
                [new AttackCheckFigure("shift", 0.125, 0.25, [-0.15, -0.1], Passed: true), new AttackCheckFigure("map", 0.4, 0.5, [0.05, 0.15], Passed: model == "baseline")]),
        ];
        result.Corruptions = [.. new[] { CorruptionKind.Haze, CorruptionKind.Rotation }.SelectMany(k => Enumerable.Range(1, 3).Select(s => Corrupted(new Corruption(k, s), result)))];
        return (result, descriptors);
    }

    static RobustReport Attacked(Threat threat, ModelResult result, DescriptorSet set, Device host)
    {
        var clean = new Dictionary<string, Figure> { ["map"] = result.Retrieval.Map, ["knn_1"] = result.Classification!.Figures["knn_1"] };
        double left = 1 - (threat.Norm == PerturbationNorm.LInf ? 50 : 0.5) * threat.Epsilon;
        return new RobustReport(threat, clean.ToDictionary(c => c.Key, c => new Figure(left * c.Value.Value, left * c.Value.Low, left * c.Value.High)), clean)
        {
            Queries = 16,
            Shift = 0.25,
            Examples = AdversarialExample.Create(Pixels(threat), set, [3, 12], set.Rows([20, 28]), result.Set.Images, Size, host),
        };
    }

    /// <summary>A flat grey picture, and the same with every other value raised by ε.</summary>
    static Dictionary<int, (float[], float[])> Pixels(Threat threat)
    {
        float[] clean = [.. Enumerable.Repeat(0.5f, 3 * Size * Size)];
        float[] attacked = [.. clean.Select((v, i) => i % 2 == 0 ? v + (float)threat.Epsilon : v)];
        return new() { [3] = (clean, attacked), [12] = (clean, attacked) };
    }

    static CorruptionReport Corrupted(Corruption corruption, ModelResult result)
    {
        var clean = new Dictionary<string, Figure> { ["map"] = result.Retrieval.Map, ["knn_1"] = result.Classification!.Figures["knn_1"] };
        double left = 1 - (corruption.Kind == CorruptionKind.Haze ? 0.1 : 0.2) * corruption.Severity;
        return new CorruptionReport(corruption, clean.ToDictionary(c => c.Key, c => new Figure(left * c.Value.Value, left * c.Value.Low, left * c.Value.High)), clean) { Queries = 16, Shift = 0.1 };
    }

    ImageSet Draw(string data)
    {
        string[] classes = [AwkwardClass, "forest", "harbour", "runway"];
        var images = new List<LabelledImage>();
        for (int label = 0; label < Classes; label++)
            for (int i = 0; i < PerClass; i++)
            {
                string path = Path.Combine(Folder, $"{data}-{label}-{i}.png");
                using var bitmap = new SKBitmap(20, 16);
                bitmap.Erase(new SKColor((byte)(60 * label), (byte)(20 * i), 90));
                using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
                File.WriteAllBytes(path, png.ToArray());
                images.Add(new LabelledImage(path, label));
            }
        return new ImageSet(data, Folder, classes, images);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
