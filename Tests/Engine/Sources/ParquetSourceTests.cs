using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Sources;
using Osprey.Tests.Interop;
using Osprey.Tests.Tools;
using Parquet;
using Parquet.Schema;

namespace Osprey.Tests.Engine.Sources;

[TestFixture]
public class ParquetSourceTests
{
    ScratchFolder scratch = new();

    [SetUp]
    public void MakeFolder() => scratch = new ScratchFolder();

    [TearDown]
    public void DeleteFolder() => scratch.Dispose();

    static byte[] Picture(int number) => Drawn.Png(number % 4, number, 8);

    static string[] Describe(ParquetSource source) => [.. source.Images.Select(i => $"{i.Path}={source.Classes[i.Label]}")];

    /// <summary>One row group for each of <paramref name="groups"/>.</summary>
    internal static async Task Write(string path, ParquetSchema schema, Func<ParquetRowGroupWriter, int, Task>[] groups, Dictionary<string, string>? metadata = null)
    {
        await using FileStream file = File.Create(path);
        await using ParquetWriter writer = await ParquetWriter.CreateAsync(schema, file);
        if (metadata is not null) writer.CustomMetadata = metadata;
        for (int g = 0; g < groups.Length; g++)
        {
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            await groups[g](group, g);
            group.CompleteValidate();
        }
    }

    [Test]
    public async Task Bytes_and_labels_over_row_groups()
    {
        var image = new DataField<byte[]>("image", true);
        var label = new DataField<int>("label");
        async Task Group(ParquetRowGroupWriter group, int g)
        {
            await group.WriteAsync(image, Enumerable.Range(3 * g, 3).Select(i => i == 4 ? null : Picture(i)).ToArray()!);
            await group.WriteAsync<int>(label, Enumerable.Range(3 * g, 3).Select(i => 12 - i).ToArray().AsMemory());
        }
        await Write(scratch["a.parquet"], new ParquetSchema(image, label), [Group, Group, Group, Group]);
        using var source = new ParquetSource([scratch["a.parquet"]], new DecodeOptions());
        Assert.That(Describe(source), Is.EqualTo(Enumerable.Range(0, 12).Select(i => $"a.parquet/{i}={12 - i}")));
        Assert.That(source.Classes.Take(3), Is.EqualTo(new[] { "1", "2", "3" }));
        // In any order, from several threads, with two groups held.
        Parallel.For(0, 60, n =>
        {
            int i = n * 7 % 12;
            if (i == 4) Assert.That(() => source.Load(i), Throws.TypeOf<InvalidDataException>().With.Message.Contains("no bytes"));
            else Assert.That(source.Load(i).Image!.Pixels, Is.EqualTo(new ImageDecoder().Decode(Picture(i), "x").Pixels), $"{i}");
        });
    }

    [Test]
    public async Task The_pair_that_hugging_face_writes_with_its_class_names()
    {
        var bytes = new DataField<byte[]>("bytes", true);
        var path = new DataField<string>("path", true);
        var label = new DataField<long>("label", true);
        await Write(scratch["train.parquet"], new ParquetSchema(new StructField("image", bytes, path), label),
        [
            async (group, _) =>
            {
                await group.WriteAsync(bytes, new[] { Picture(0), Picture(1), Shards.Text("no picture") });
                // The middle one is null: levels are 2 for a value, 1 for a pair without it.
                await group.WriteAllPartsAsync<ReadOnlyMemory<char>>(path, new[] { "x/zero.png".AsMemory(), "two.png".AsMemory() }, (ReadOnlyMemory<int>?)new[] { 2, 1, 2 }.AsMemory(), null, CancellationToken.None);
                await group.WriteAsync<long>(label, new long?[] { 1, null, 7 }.AsMemory());
            },
        ], new() { ["huggingface"] = """{"info": {"features": {"label": {"names": ["airport", "beach"], "_type": "ClassLabel"}}}}""" });
        using var source = new ParquetSource([scratch["train.parquet"]], new DecodeOptions());
        Assert.That(Describe(source), Is.EqualTo(new[] { "train.parquet/x/zero.png=beach", "train.parquet/1=unlabelled", "train.parquet/two.png=7" }));
        Assert.That(source.Load(1).Image!.Pixels, Is.EqualTo(new ImageDecoder().Decode(Picture(1), "x").Pixels));
        Assert.That(() => source.Load(2), Throws.TypeOf<InvalidDataException>());
    }

    [Test]
    public async Task Paths_are_relative_to_the_file()
    {
        Directory.CreateDirectory(scratch["lists"]);
        scratch.Write("lists/1.png", Picture(1));
        scratch.Write("2.png", Picture(2));
        var path = new DataField<string>("path", true);
        var kind = new DataField<string>("class");
        await Write(scratch["lists/list.parquet"], new ParquetSchema(path, kind),
        [
            async (group, _) =>
            {
                await group.WriteAsync(path, new[] { "1.png", "../2.png", scratch["2.png"], "gone.png", null }!);
                await group.WriteAsync(kind, new[] { "b", "a", "", "b", "b" });
            },
        ]);
        using var source = new ParquetSource([scratch["lists/list.parquet"]], new DecodeOptions());
        Assert.That(Describe(source), Is.EqualTo(new[] { "1.png=b", "../2.png=a", "../2.png=unlabelled", "gone.png=b", "list.parquet/4=b" }));
        Assert.That(source.Load(2).Image!.Pixels, Is.EqualTo(new ImageDecoder().Decode(Picture(2), "x").Pixels));
        Assert.That(() => source.Load(3), Throws.InstanceOf<IOException>());
        Assert.That(() => source.Load(4), Throws.TypeOf<InvalidDataException>().With.Message.Contains("no path"));
    }

    [Test]
    public async Task Broken_files_are_named_and_the_others_read()
    {
        var image = new DataField<byte[]>("image");
        Task Group(ParquetRowGroupWriter group, int g) => group.WriteAsync(image, new[] { Picture(g) });
        await Write(scratch["good.parquet"], new ParquetSchema(image), [Group, Group]);
        byte[] bytes = File.ReadAllBytes(scratch["good.parquet"]);
        for (int length = 0; length < bytes.Length; length += 41)
        {
            scratch.Write("cut.parquet", bytes[..length]);
            using var source = new ParquetSource([scratch["cut.parquet"], scratch["good.parquet"]], new DecodeOptions());
            Assert.That(source.Images.Select(i => i.Path), Is.EqualTo(new[] { "cut.parquet", "good.parquet/0", "good.parquet/1" }), $"{length}");
            Assert.That(() => source.Load(0), Throws.TypeOf<InvalidDataException>());
            Assert.That(source.Load(2).Image, Is.Not.Null);
        }
        Assert.That(() => new ParquetSource([scratch["cut.parquet"]], new DecodeOptions()), Throws.TypeOf<InvalidDataException>().With.Message.Contains("cut.parquet holds no image"));

        // The first group's bytes damaged: its row is bad, and the second's is not.
        byte[] damaged = [.. bytes];
        damaged.AsSpan(4, 24).Fill(0xFF);
        scratch.Write("damaged.parquet", damaged);
        using var half = new ParquetSource([scratch["damaged.parquet"]], new DecodeOptions());
        Assert.That(() => half.Load(0), Throws.TypeOf<InvalidDataException>());
        Assert.That(half.Load(1).Image, Is.Not.Null);

        var other = new DataField<int>("pixels");
        await Write(scratch["other.parquet"], new ParquetSchema(other), [(group, _) => group.WriteAsync<int>(other, new[] { 1 }.AsMemory())]);
        Assert.That(() => new ParquetSource([scratch["other.parquet"]], new DecodeOptions()), Throws.TypeOf<InvalidDataException>().With.Message.Contains("it has pixels"));
    }
}
