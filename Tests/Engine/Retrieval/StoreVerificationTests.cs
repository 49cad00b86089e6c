using System.Text.Json.Nodes;
using NUnit.Framework;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Formats;
using Osprey.Tests.Interop;
using Osprey.Tests.Tools;

namespace Osprey.Tests.Engine.Retrieval;

[TestFixture]
public class StoreVerificationTests
{
    ScratchFolder scratch = new();

    string At(string name) => scratch[Path.Combine("s", name)];

    [SetUp]
    public void MakeStore()
    {
        scratch = new ScratchFolder();
        DescriptorStore store = StoreSample.Make(scratch["s"]);
        StoreExtraction.WriteBadFiles(scratch["s"], [.. store.ReadBadFiles()]);
    }

    [TearDown]
    public void DeleteFolder() => scratch.Dispose();

    IReadOnlyList<string> Faults() => StoreVerification.Run(scratch["s"]).Faults;

    void Edit(Action<JsonNode> edit)
    {
        JsonNode manifest = JsonNode.Parse(File.ReadAllText(At("manifest.json")))!;
        edit(manifest);
        File.WriteAllText(At("manifest.json"), manifest.ToJsonString());
    }

    /// <summary>Replaces a file and its checksum, as a program with a fault would.</summary>
    void Replace(string file, int part, string sum, Action<string> write)
    {
        write(At(file));
        Edit(m => m["parts"]![part]![sum] = DescriptorStore.HashFile(At(file)));
    }

    [Test]
    public void A_sound_store_has_no_fault()
    {
        StoreVerificationResult found = StoreVerification.Run(scratch["s"]);
        Assert.That(found.Faults, Is.Empty);
        Assert.That((found.Rows, found.Parts), Is.EqualTo((20L, 3)));
        Assert.That(found.Bytes, Is.EqualTo(Directory.GetFiles(scratch["s"], "part-*").Sum(f => new FileInfo(f).Length)));
    }

    [Test]
    public void Everything_that_is_broken_is_named_at_once()
    {
        File.Delete(At("part-00000.parquet"));
        byte[] bytes = File.ReadAllBytes(At("part-00002.npy"));
        bytes[^1] ^= 1;
        File.WriteAllBytes(At("part-00002.npy"), bytes);
        File.WriteAllText(At("part-00003.npy"), "left");
        File.WriteAllText(At("bad-files.txt"), "other\tlist\n");
        string[] starts = [.. Faults().Select(f => f.Split(':')[0])];
        Assert.That(starts, Is.EqualTo(new[] { "part-00000.parquet", "part-00002.npy", "part-00003.npy", "bad-files.txt" }));
    }

    [Test]
    public void Counts_must_add_up_and_parts_stand_in_order()
    {
        Edit(m =>
        {
            m["rows"] = 21;
            m["images"] = 24;
            m["bad_files"] = 2;
            m["empty_windows"] = 1;
            m["parts"]![1]!["images"] = 9;
        });
        Assert.That(Faults(), Is.EqualTo(new[]
        {
            "manifest.json: rows is 21, and the parts have 20", "manifest.json: bad_files is 2, and the parts have 3", "manifest.json: empty_windows is 1, and the parts have 0",
            "manifest.json: part-00001 is of 9 images, and has 7 rows, 1 bad files, 0 empty windows and 0 deleted rows",
        }), "the images' own sum is 24");
    }

    [Test]
    public void Parts_that_changed_places_are_named()
    {
        Edit(m =>
        {
            JsonArray parts = m["parts"]!.AsArray();
            JsonNode first = parts[0]!;
            parts.RemoveAt(0);
            parts.Insert(1, first);
        });
        Assert.That(Faults().Take(2), Has.All.Contain("in order it would be"));
        Assert.That(Faults()[0], Does.Contain("part 0 is part-00001.npy"));
    }

    [Test]
    public void Files_with_right_sums_and_wrong_content_are_named()
    {
        Replace("part-00000.npy", 0, "descriptors_sha256", f => Npy.Write(f, Enumerable.Range(0, 35).Select(i => i == 17 ? float.NaN : i).ToArray(), 7, 5));
        Replace("part-00001.npy", 1, "descriptors_sha256", f => Npy.Write(f, new float[30], 6, 5));
        Replace("part-00002.parquet", 2, "metadata_sha256", f => File.WriteAllText(f, "no table"));
        Edit(m => m["classes"]![1] = "renamed");
        string[] faults = [.. Faults()];
        Assert.That(faults.Any(f => f == "part-00000.npy: row 3 is not finite"), string.Join('\n', faults));
        Assert.That(faults.Any(f => f.StartsWith("part-00001.npy: 6 × 5, and the manifest says 7 × 5", StringComparison.Ordinal)), string.Join('\n', faults));
        Assert.That(faults.Any(f => f.StartsWith("part-00002.parquet: ", StringComparison.Ordinal)), string.Join('\n', faults));
        Assert.That(faults.Any(f => f.StartsWith("part-00000.parquet: row 1 ", StringComparison.Ordinal) && f.EndsWith("'Häfen', and the manifest calls that 'renamed'", StringComparison.Ordinal)), string.Join('\n', faults));
    }

    [Test]
    public void The_verb_lists_faults_and_fails()
    {
        Assert.That(Cli.Done("store", "verify", scratch["s"], "--json").Json.GetProperty("results")[0].GetProperty("sound").GetBoolean());
        Edit(m => m["complete"] = false);
        File.Delete(At("part-00001.npy"));
        Cli.Answer answer = Cli.Run("store", "verify", scratch["s"]);
        Assert.That(answer.Code, Is.EqualTo(1));
        Assert.That(answer.Out, Does.Contain($"{scratch["s"]}/manifest.json: the store is unfinished, 23 of 23 images").And.Contain("/part-00001.npy: missing"));
        Assert.That(Cli.Run("store", "verify", scratch["none"]).Error, Does.Contain("is no descriptor store"));
    }
}
