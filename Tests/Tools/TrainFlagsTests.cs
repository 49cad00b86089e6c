using System.CommandLine;
using NUnit.Framework;
using Osprey.Engine.Datasets;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using Osprey.Tool.Hosting;

namespace Osprey.Tests.Tools;

/// <summary>One record, one set of flags: a property without a flag could not be reached from the command line.</summary>
[TestFixture]
public class TrainFlagsTests
{
    static string[] Properties<T>(params string[] elsewhere) => [.. typeof(T).GetProperties().Where(p => p.SetMethod is not null).Select(p => p.Name).Except(elsewhere).Order()];

    [Test]
    public void Every_property_has_a_flag()
    {
        Assert.That(TrainFlags.Create().Properties.Order(), Is.EqualTo(Properties<TrainConfig>("Seed", "Threat", "Augmentation")));
        Assert.That(TrainFlags.CreateAugmentation().Properties.Order(), Is.EqualTo(Properties<AugmentationConfig>()));
        Assert.That(ThreatFlags.Create(new Threat()).Properties.Order(), Is.EqualTo(Properties<Threat>()));
        Assert.That(ModelFlags.Create().Properties.Order(), Is.EqualTo(Properties<EmbedderConfig>("DescriptorSize", "WhitenedSize", "Scales", "Turns", "Precision")));
        Assert.That(EvalFlags.Create().Properties.Order(), Is.EqualTo(Properties<EvalConfig>("Seed", "Threats", "Expansion", "ReRanking")));
        Assert.That(new RefinementFlags("expand", "rerank").Expansion.Properties.Order(), Is.EqualTo(Properties<QueryExpansion>()));
        Assert.That(new RefinementFlags("expand", "rerank").ReRanking.Properties.Order(), Is.EqualTo(Properties<ReRanking>()));
        Assert.That(WhiteningFlags.Create().Properties.Order(), Is.EqualTo(Properties<WhiteningConfig>()));
    }

    static T Bind<T>(FlagSet<T> flags, T start, string line)
        where T : class, new()
    {
        var command = new Command("x");
        flags.AddTo(command);
        ParseResult parse = command.Parse(line);
        Assert.That(parse.Errors, Is.Empty, line);
        return flags.Bind(parse, start);
    }

    [Test]
    public void Flags_override_the_start_and_leave_the_rest()
    {
        TrainConfig start = new() { Epochs = 9, LearningRate = 0.5 };
        Assert.That(Bind(TrainFlags.Create(), start, "--lr 1e-3 --recipe advprop --loss norm_softmax --optimizer adamw"),
            Is.EqualTo(start with { LearningRate = 1e-3, Recipe = RecipeKind.AdvProp, Loss = LossKind.NormSoftmax, Optimizer = OptimizerKind.AdamW }));
        Assert.That(Bind(ThreatFlags.Create(new Threat()), new Threat(), "--epsilon 4/255 --norm l2 --no-random-start").Epsilon, Is.EqualTo(4.0 / 255));
        Assert.That(Bind(TrainFlags.CreateAugmentation(), new AugmentationConfig(), "--no-flip"), Is.EqualTo(new AugmentationConfig { Flip = false }));
        Assert.That(Bind(ModelFlags.Create(), new EmbedderConfig(), "--backbone squeezenet1_1").Architecture, Is.EqualTo(Architecture.Squeezenet));
        Assert.That(Bind(EvalFlags.Create(), new EvalConfig(), "--cutoffs 1,3 7 --no-linear").CutOffs, Is.EqualTo(new[] { 1, 3, 7 }));
    }

    [TestCase("train --data d --out o --lr fast", "--lr is 'fast'; give a number")]
    [TestCase("train --data d --out o --recipe fair", "--recipe is 'fair'; give one of none, advprop, fast-advprop, est, ses, fare")]
    [TestCase("train --data d --out o --stage 5", "--stage is '5'; give a whole number, 2 to 4")]
    [TestCase("train --out o", "Option '--data' is required")]
    [TestCase("embed --data d --out o --model m --range 0:1 --percentile 2:98", "--range and --percentile exclude each other")]
    [TestCase("embed --data d --out o --model m --shard 4/4", "--shard is '4/4'")]
    [TestCase("embed --data d --out o --model m --bands red", "--bands is 'red'")]
    [TestCase("search s", "give images with --query, or descriptors with --vectors")]
    [TestCase("search s --query a.jpg --output npz", "--output npz and --out FILE.npz belong together")]
    [TestCase("search s --query a.jpg -k 0", "-k is '0'")]
    [TestCase("data synth", "give --out DIR for a data set")]
    public void A_wrong_value_is_named_with_what_is_allowed(string line, string message)
    {
        Cli.Answer answer = Cli.Run(line.Split(' '));
        Assert.That(answer.Code, Is.EqualTo(2), answer.Error);
        Assert.That(answer.Error, Does.Contain(message));
    }

    [Test]
    public void A_value_that_only_the_record_refuses_is_wrong_usage_too()
    {
        Cli.Answer answer = Cli.Run("train", "--data", "d", "--out", "o", "--margin", "2");
        Assert.That(answer.Code, Is.EqualTo(2));
        Assert.That(answer.Error, Is.EqualTo("osprey train: the margin is 2; give radians in [0, π/2)\n"));
    }

    [Test]
    public void Joined_folders_share_classes_of_one_name()
    {
        string dir = Directory.CreateTempSubdirectory("osprey-join-").FullName;
        Drawn.Files(Path.Combine(dir, "a"), classes: 2, perClass: 1);
        Drawn.Files(Path.Combine(dir, "b"), classes: 3, perClass: 1);
        ImageSet joined = DataFolders.OpenJoined([Path.Combine(dir, "a"), Path.Combine(dir, "b")], null);
        Directory.Delete(dir, recursive: true);
        Assert.That(joined.Classes, Is.EqualTo(new[] { "class-0", "class-1", "class-2" }));
        Assert.That(joined.Images.Select(i => i.Label), Is.EqualTo(new[] { 0, 0, 1, 1, 2 }));
        Assert.That(joined.Root, Is.EqualTo(dir));
    }
}
