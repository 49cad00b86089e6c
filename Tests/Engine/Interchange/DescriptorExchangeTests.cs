using NUnit.Framework;
using Osprey.Engine.Interchange;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Formats;
using Osprey.Kernels;
using Osprey.Tests.Engine.Retrieval;
using Osprey.Tests.Interop;
using Parquet;
using Parquet.Schema;

namespace Osprey.Tests.Engine.Interchange;

/// <summary>Stores and indexes out to other programs' files and back.</summary>
[TestFixture]
public sealed class DescriptorExchangeTests
{
    string folder = "";

    [SetUp]
    public void CreateFolder() => folder = Directory.CreateTempSubdirectory("osprey-exchange-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(folder, recursive: true);

    string At(string name) => Path.Combine(folder, name);

    ExportResult Export(string from, string to, Metric? metric = null)
    {
        using DescriptorSource source = DescriptorSource.Open(At(from));
        return DescriptorExport.Write(source, At(to), metric);
    }

    DescriptorStore Import(string from, string to, ImportConfig? config = null) => DescriptorImport.Run(At(from), At(to), config ?? new ImportConfig());

    [Test]
    public void A_store_goes_out_and_comes_back_the_same([Values("npy", "parquet", "faiss")] string extension, [Values] bool like)
    {
        DescriptorStore store = StoreSample.Make(At("s"));
        Export("s", "f." + extension, extension == "faiss" ? Metric.InnerProduct : null);
        DescriptorStore back = Import("f." + extension, "b", new ImportConfig { Like = like ? At("s") : null });
        back.Verify();
        Assert.That(back.ReadDescriptors(), Is.EqualTo(store.ReadDescriptors()));
        Assert.That(back.Manifest.Classes, Is.EqualTo(like ? store.Manifest.Classes : ["Häfen", "forest"]), "a store's order where one is named, else ordinal");
        Assert.That(back.ReadRows(), Is.EqualTo(store.ReadRows().Select(r => r with { Label = back.Manifest.Classes.ToList().IndexOf(r.Class) })), "paths, classes, sizes, places");
        Assert.That((back.Manifest.WeightsSha256, back.Manifest.Preprocessing, back.Manifest.Root), Is.EqualTo(like ? (store.Manifest.WeightsSha256, store.Manifest.Preprocessing, store.Manifest.Root) : ("", "", "")));
        Assert.That(back.Manifest.HasModel, Is.EqualTo(like));
        Assert.That(Directory.GetFiles(folder, "*.csv"), Has.Length.EqualTo(extension == "parquet" ? 0 : 1));
    }

    [Test]
    public void Halves_stay_halves_in_npy()
    {
        DescriptorStore store = StoreSample.Make(At("s"), StoreSample.Describe() with { Type = StoreType.Float16 });
        Assert.That(Export("s", "f.npy").Type, Is.EqualTo(StoreType.Float16));
        Assert.That(new FileInfo(At("f.npy")).Length, Is.EqualTo(128 + 20 * 5 * 2));
        Assert.That(Import("f.npy", "b", new ImportConfig { Type = StoreType.Float16 }).ReadDescriptors(), Is.EqualTo(store.ReadDescriptors()));
    }

    [Test]
    public void A_flat_index_has_the_metric_and_for_the_cosine_unit_rows()
    {
        DescriptorStore store = StoreSample.Make(At("s"));
        Assert.That(Export("s", "l2.faiss", Metric.L2).Metric, Is.EqualTo(Metric.L2));
        using (FaissFlat flat = FaissFlat.Open(At("l2.faiss"))) Assert.That(flat.IsL2, Is.True);

        Assert.That(Export("s", "cos.faiss").Metric, Is.EqualTo(Metric.Cosine));
        using FaissFlat cosine = FaissFlat.Open(At("cos.faiss"));
        Assert.That(cosine.IsL2, Is.False);
        float[] rows = new float[20 * 5], plain = store.ReadDescriptors();
        cosine.Read(0, rows);
        for (int i = 0; i < 20; i++)
        {
            double norm = Math.Sqrt(Enumerable.Range(0, 5).Sum(d => (double)plain[i * 5 + d] * plain[i * 5 + d]));
            for (int d = 0; d < 5; d++) Assert.That(rows[i * 5 + d], Is.EqualTo(plain[i * 5 + d] / norm).Within(1e-6));
        }
    }

    [Test]
    public void An_index_gives_its_own_rows_metric_and_where_the_store_is_beside_it_the_paths()
    {
        DescriptorStore store = StoreSample.Make(At("s"));
        using Device device = Device.Open("host", 1);
        using (var index = new ExactIndex(store, device, Metric.L2)) index.Save(At("s/exact.index"));
        File.Copy(At("s/exact.index"), At("alone.index"));

        ExportResult beside = Export("s/exact.index", "a.faiss"), alone = Export("alone.index", "b.faiss");
        Assert.That((beside.Metric, beside.RowList), Is.EqualTo((Metric.L2, At("a.faiss.csv"))));
        Assert.That((alone.Metric, alone.RowList), Is.EqualTo((Metric.L2, (string?)null)));
        Assert.That(File.ReadAllBytes(At("b.faiss")), Is.EqualTo(File.ReadAllBytes(At("a.faiss"))));
        Assert.That(Import("b.faiss", "b").ReadRows()[7], Is.EqualTo(new StoreRow("row-7", "unlabelled", 0, 0, 0)));
        Export("alone.index", "c.parquet");
        Assert.That(Import("c.parquet", "c").ReadDescriptors(), Is.EqualTo(store.ReadDescriptors()));
        Assert.That(() => Export("alone.index", "d.faiss", Metric.Cosine), Throws.ArgumentException.With.Message.Contains("L2, not Cosine"));
    }

    /// <summary>Without a list of its own an export must not find one: import would give its rows the paths of others.</summary>
    [Test]
    public void An_export_leaves_no_older_list_beside_it([Values("npy", "faiss")] string extension)
    {
        DescriptorStore store = StoreSample.Make(At("s"));
        using Device device = Device.Open("host", 1);
        using (var index = new ExactIndex(store, device)) index.Save(At("alone.index"));
        string file = "x." + extension, list = At(file + ".csv");
        Export("s", file);
        Assert.That(File.Exists(list), Is.True);

        // One that fails leaves both files as they were.
        byte[] before = File.ReadAllBytes(At(file));
        using (DescriptorSource source = DescriptorSource.Open(At("alone.index")))
            Assert.That(() => DescriptorExport.Write(source, At(file), cancellation: new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That((File.ReadAllBytes(At(file)).AsSpan().SequenceEqual(before), File.Exists(list)), Is.EqualTo((true, true)));

        Export("alone.index", file);
        Assert.That(File.Exists(list), Is.False);
        Assert.That(Import(file, "b").ReadRows()[7].Path, Is.EqualTo("row-7"));
    }

    /// <summary>At the moment when the new rows get their name, the older list is gone: here they never do, as the name is a folder's.</summary>
    [Test]
    public void An_export_that_ends_before_its_list_leaves_none()
    {
        StoreSample.Make(At("s"));
        Directory.CreateDirectory(At("x.npy"));
        File.WriteAllText(At("x.npy.csv"), "path\nof another\n");
        Assert.That(() => Export("s", "x.npy"), Throws.InstanceOf<IOException>().Or.InstanceOf<UnauthorizedAccessException>());
        Assert.That(File.Exists(At("x.npy.csv")), Is.False);
    }

    /// <summary>The whole way: rows, store and index, export, FAISS's own reading and search.</summary>
    [Test]
    public void Faiss_finds_in_an_export_what_the_index_finds([Values] Metric metric, [Values] bool fromIndex)
    {
        const int count = 300, dimension = 16, asked = 20, k = 10;
        var random = new Random(12);
        float[] Draw(int rows) => [.. Enumerable.Range(0, rows * dimension).Select(_ => (float)(random.NextDouble() - 0.5))];
        Npy.Write(At("rows.npy"), Draw(count), count, dimension);
        float[] queries = Draw(asked);
        Npy.Write(At("queries.npy"), queries, asked, dimension);
        DescriptorStore store = Import("rows.npy", "s");
        using Device device = Device.Open("host", 1);
        using var index = new ExactIndex(store, device, metric);
        if (fromIndex) index.Save(At("s/exact.index"));
        Export(fromIndex ? "s/exact.index" : "s", "f.faiss", metric);

        Python.Run("faiss", """
            import numpy as np
            index, queries = faiss.read_index(sys.argv[1]), np.load(sys.argv[2])
            if sys.argv[3] == "Cosine": faiss.normalize_L2(queries)
            scores, ids = index.search(queries, 10)
            np.save(sys.argv[4], ids)
            np.save(sys.argv[5], scores)
            """, At("f.faiss"), At("queries.npy"), $"{metric}", At("ids.npy"), At("scores.npy"));
        (long[] ids, float[] scores) = (Npy.ReadInt64s(At("ids.npy")).Values, Npy.ReadSingles(At("scores.npy")).Values);
        Ranking ours = index.Search(queries, k);
        for (int q = 0; q < asked; q++)
        {
            float[] own = ours.Scores(q).ToArray();
            for (int i = 0; i < k; i++)
            {
                Assert.That(scores[q * k + i], Is.EqualTo(own[i]).Within(1e-5), $"query {q}, rank {i}");
                // FAISS sums in another order: rows whose scores are as good as equal may change places.
                bool tied = own.Where((_, j) => j != i).Any(s => Math.Abs(s - own[i]) < 1e-5);
                if (!tied) Assert.That(ids[q * k + i], Is.EqualTo(ours.Ids(q)[i]), $"query {q}, rank {i}");
            }
        }
    }

    [Test]
    public void A_flat_index_tells_its_metric_and_a_matrix_none()
    {
        StoreSample.Make(At("s"));
        Export("s", "l2.faiss", Metric.L2);
        Export("s", "cos.faiss");
        Export("s", "x.npy");
        Assert.That(new[] { "l2.faiss", "cos.faiss", "x.npy" }.Select(f => DescriptorImport.MetricOf(At(f))), Is.EqualTo(new Metric?[] { Metric.L2, Metric.InnerProduct, null }));
    }

    [Test]
    public void Rows_for_postgres_follow_the_store()
    {
        StoreSample.Make(At("s"));
        Export("s", "f.pgcopy");
        byte[] bytes = File.ReadAllBytes(At("f.pgcopy"));
        using var expected = new MemoryStream();
        var copy = new PostgresCopyWriter(expected);
        long id = 0;
        foreach (long image in Enumerable.Range(0, 23).Select(i => (long)i).Where(i => !StoreSample.IsBad(i)))
        {
            copy.BeginRow(4);
            copy.Write(id++);
            copy.Write(StoreSample.Row(image).Path);
            copy.Write(StoreSample.Row(image).Class);
            copy.WriteVector(StoreSample.Descriptor(image));
        }
        copy.End();
        Assert.That(bytes, Is.EqualTo(expected.ToArray()));
        Assert.That(() => Import("f.pgcopy", "b"), Throws.ArgumentException.With.Message.Contains("not read back"));
    }

    [TestCase(2000, StoreType.Float32, 4)]
    [TestCase(2001, StoreType.Float16, 2)]
    public void Postgres_gets_halves_above_what_it_can_index(int dimension, StoreType type, int size)
    {
        Npy.Write(At("wide.npy"), new float[3 * dimension], 3, dimension);
        Import("wide.npy", "w");
        Assert.That(Export("w", "w.pgcopy").Type, Is.EqualTo(type));
        int row = 2 + (4 + 8) + (4 + "row-0".Length) + (4 + "unlabelled".Length) + (4 + 4 + size * dimension);
        Assert.That(new FileInfo(At("w.pgcopy")).Length, Is.EqualTo(19 + 3 * row + 2));
    }

    [Test]
    public void A_value_that_postgres_refuses_is_named_with_its_row_and_nothing_is_left()
    {
        Npy.Write(At("nan.npy"), [1, 2, 3, float.NaN], 2, 2);
        Import("nan.npy", "n");
        Assert.That(() => Export("n", "n.pgcopy"), Throws.TypeOf<NotSupportedException>().With.Message.Contains("row 1, row-1").And.Message.Contains("value 1"));
        Assert.That(Directory.GetFiles(folder, "n.pgcopy*"), Is.Empty);
    }

    [Test]
    public void A_hand_written_list_names_the_rows()
    {
        Npy.Write(At("x.npy"), [1, 2, 3, 4, 5, 6f], 3, 2);
        File.WriteAllText(At("names.csv"), "class,path\nb,\"x, y.jpg\"\n,z.jpg\na,w.jpg\n");
        DescriptorStore store = Import("x.npy", "s", new ImportConfig { RowList = At("names.csv") });
        Assert.That(store.ReadRows(), Is.EqualTo(new[] { new StoreRow("x, y.jpg", "b", 1, 0, 0), new StoreRow("z.jpg", "unlabelled", 2, 0, 0), new StoreRow("w.jpg", "a", 0, 0, 0) }));
    }

    [TestCase("path\na\nb\n", "lists 2 rows, and the descriptors are 3")]
    [TestCase("file\na\nb\nc\n", "no column 'path'")]
    [TestCase("id,path\n0,a\n2,b\n1,c\n", "line 3: the id is 2 where 1 was expected")]
    [TestCase("path,class\na,x\nb\nc,y\n", "line 3: 1 columns where the header has 2")]
    [TestCase("path,width\na,1\nb,wide\nc,1\n", "line 3: width is 'wide'")]
    [TestCase("path,class\na,x\n,y\nc,z\n", "line 3: the path is empty")]
    public void A_wrong_list_is_refused(string list, string message)
    {
        Npy.Write(At("x.npy"), [1, 2, 3, 4, 5, 6f], 3, 2);
        File.WriteAllText(At("x.npy.csv"), list);
        Assert.That(() => Import("x.npy", "s"), Throws.TypeOf<InvalidDataException>().With.Message.Contains(At("x.npy.csv")).And.Message.Contains(message));
        Assert.That(Directory.Exists(At("s")), Is.False);
    }

    /// <summary>A table of another program, with fewer columns than ours.</summary>
    [Test]
    public async Task Paths_and_classes_of_a_strange_table_are_taken()
    {
        var path = new DataField<string>("path");
        var kind = new DataField<string>("class", true);
        var element = new DataField<float>(ListField.ElementName);
        await using (FileStream file = File.Create(At("strange.parquet")))
        {
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(path, kind, new ListField("descriptor", element)), file);
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            await group.WriteAsync(path, new[] { "b/1.jpg", "a/2.jpg" });
            await group.WriteAsync(kind, new[] { "b", null }!);
            int[] levels = [.. Enumerable.Repeat(element.MaxDefinitionLevel, 4)];
            await group.WriteAllPartsAsync<float>(element, new[] { 1f, 0, 0, 1 }, (ReadOnlyMemory<int>?)levels.AsMemory(), (ReadOnlyMemory<int>?)new[] { 0, 1, 0, 1 }.AsMemory(), CancellationToken.None);
            group.CompleteValidate();
        }
        Assert.That(Import("strange.parquet", "s").ReadRows(), Is.EqualTo(new[] { new StoreRow("b/1.jpg", "b", 0, 0, 0), new StoreRow("a/2.jpg", "unlabelled", 1, 0, 0) }));
    }

    [Test]
    public void What_cannot_be_is_refused()
    {
        DescriptorStore store = StoreSample.Make(At("s"));
        Export("s", "f.npy");
        Assert.That(() => Import("f.npy", "s"), Throws.ArgumentException.With.Message.Contains("holds a store"));
        Npy.Write(At("x.npy"), [1, 2, 3, 4, 5, 6f], 3, 2);
        Assert.That(() => Import("x.npy", "b", new ImportConfig { Like = At("s") }), Throws.ArgumentException.With.Message.Contains("of 2 values").And.Message.Contains("of 5"));
        Assert.That(() => Export("s", "f.txt"), Throws.ArgumentException.With.Message.Contains(".npy, .parquet, .faiss, .pgcopy"));
        Assert.That(() => Export("s", "g.npy", Metric.L2), Throws.ArgumentException.With.Message.Contains("--metric"));
        File.WriteAllText(At("f.parquet"), "no table");
        Assert.That(() => Import("f.parquet", "b"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("f.parquet"));
        File.Copy(At("s/part-00000.parquet"), At("bare.parquet"));
        Assert.That(() => Import("bare.parquet", "b"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("no column 'descriptor'").And.Message.Contains("path, class"));
    }
}
