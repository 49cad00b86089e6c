using NUnit.Framework;
using Osprey.Engine.Distributed;
using Osprey.Engine.Retrieval;
using Osprey.Tests.Engine.Retrieval;

namespace Osprey.Tests.Engine.Distributed;

[TestFixture]
public sealed class StoreJoinTests
{
    string folder = "";

    [SetUp]
    public void CreateFolder() => folder = Directory.CreateTempSubdirectory("osprey-join-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(folder, recursive: true);

    static readonly string Set = new('e', 64);

    string At(string name) => Path.Combine(folder, name);

    /// <summary>Shares of 23 images of <see cref="StoreSample"/>, each with its own images' values.</summary>
    string[] Shares(int count, Func<StoreDescription, StoreDescription>? change = null) => [.. Enumerable.Range(0, count).Select(i =>
    {
        var shard = new StoreShard(i, count) { SetSha256 = Set };
        (long first, long length) = shard.Of(23);
        StoreDescription description = StoreSample.Describe() with { Images = length, Shard = shard, ImagesSha256 = $"{i}", PartImages = 4 };
        using var writer = DescriptorStoreWriter.Open(At($"share-{i}"), change is null ? description : change(description));
        while (writer.NextPart is { Length: > 0 } part)
        {
            long[] images = [.. Enumerable.Range(0, part.Length).Select(n => first + part.First + n)], good = [.. images.Where(n => !StoreSample.IsBad(n))];
            writer.Append([.. good.Select(StoreSample.Row)], good.SelectMany(StoreSample.Descriptor).ToArray(), [.. images.Where(StoreSample.IsBad).Select(n => new Osprey.Engine.BadFile($"bad {n}.jpg", "truncated"))]);
        }
        return writer.Finish().Path;
    })];

    [Test]
    public void The_whole_has_the_rows_of_a_store_made_in_one_go([Values(1, 2, 5)] int count)
    {
        DescriptorStore whole = StoreSample.Make(At("whole"));
        DescriptorStore joined = StoreJoin.Run([.. Shares(count).Reverse()], At("joined"));
        joined.Verify();
        Assert.That(joined.ReadDescriptors(), Is.EqualTo(whole.ReadDescriptors()));
        Assert.That(joined.ReadRows(), Is.EqualTo(whole.ReadRows()));
        Assert.That(joined.ReadBadFiles(), Is.EqualTo(whole.ReadBadFiles()));
        Assert.That(File.ReadAllText(At("joined/bad-files.txt")), Is.EqualTo("bad 3.jpg\ttruncated\nbad 10.jpg\ttruncated\nbad 17.jpg\ttruncated\n"));
        Assert.That((joined.Manifest.Images, joined.Manifest.Shard, joined.Manifest.ImagesSha256), Is.EqualTo((23L, (StoreShard?)null, Set)));
    }

    [Test]
    public void An_interrupted_one_is_gone_on_with([Values] StoreType type)
    {
        string[] shares = Shares(3, d => d with { Type = type });
        StoreJoin.Run(shares, At("whole"));
        using (var stop = new CancellationTokenSource())
        {
            var progress = new Stop(stop);
            Assert.That(() => StoreJoin.Run(shares, At("joined"), progress, stop.Token), Throws.InstanceOf<OperationCanceledException>());
        }
        StoreJoin.Run(shares, At("joined"));
        Assert.That(StoreSample.Files(At("joined")), Is.EqualTo(StoreSample.Files(At("whole"))));
    }

    [Test]
    public void Shares_may_have_been_edited()
    {
        string[] shares = Shares(2);
        // Rows 2 and 3 of the first share, in two of its parts; a store made in one go has the same rows there.
        StoreEdit.Delete(shares[0], [2, 3]);
        StoreEdit.Delete(shares[0], [0]);
        DescriptorStore joined = StoreJoin.Run(shares, At("joined"));
        Assert.That(StoreVerification.Run(joined.Path).Faults, Is.Empty);
        Assert.That(joined.ReadRows(), Is.EqualTo(StoreSample.Make(At("whole")).ReadRows().Where((_, i) => i is not (0 or 2 or 3))));
        Assert.That((joined.Manifest.Images, joined.Manifest.Deleted), Is.EqualTo((23L, (long?)3)));
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "parts are copied there")]
    public void Parts_are_linked_and_not_copied()
    {
        string[] shares = Shares(2);
        DescriptorStore joined = StoreJoin.Run(shares, At("joined"));
        // One file under two names has one time.
        var longAgo = new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(Path.Combine(shares[0], "part-00001.npy"), longAgo);
        Assert.That(File.GetLastWriteTimeUtc(At("joined/part-00001.npy")), Is.EqualTo(longAgo));
        StoreEdit.Delete(shares[0], [0]);
        foreach (string share in shares.Skip(1)) Directory.Delete(share, recursive: true);
        joined.Verify();
        Assert.That(joined.ReadRows(), Has.Length.EqualTo(20), "what becomes of the shares is nothing to it");
    }

    sealed class Stop(CancellationTokenSource source) : IProgress<Osprey.Engine.Progress>
    {
        public void Report(Osprey.Engine.Progress value)
        {
            if (value.Done == 2) source.Cancel();
        }
    }

    [Test]
    public void What_does_not_belong_together_is_refused()
    {
        string[] shares = Shares(3);
        Assert.That(() => StoreJoin.Run([shares[0], shares[2]], At("j")), Throws.ArgumentException.With.Message.Contains("share 0 of 3, and 2 stores were given"));
        Assert.That(() => StoreJoin.Run([shares[0], shares[1], shares[1]], At("j")), Throws.ArgumentException.With.Message.Contains("the same share, 1 of 3"));
        StoreSample.Make(At("whole"));
        Assert.That(() => StoreJoin.Run([At("whole")], At("j")), Throws.ArgumentException.With.Message.Contains("made without --shard"));
        Directory.Delete(shares[1], recursive: true);
        Shares(3, d => d.Shard!.Index == 1 ? d with { WeightsSha256 = new string('c', 64) } : d with { Shard = d.Shard });
        Assert.That(() => StoreJoin.Run(shares, At("j")), Throws.ArgumentException.With.Message.Contains("weights"));
        Directory.Delete(shares[1], recursive: true);
        Shares(3, d => d.Shard!.Index == 1 ? d with { Type = StoreType.Int8 } : d);
        Assert.That(() => StoreJoin.Run(shares, At("j")), Throws.ArgumentException.With.Message.Contains("it holds Int8, not Float32"));
        foreach (string share in shares[1..]) Directory.Delete(share, recursive: true);
        Shares(3, d => d.Shard!.Index == 2 ? d with { Shard = d.Shard with { SetSha256 = new string('f', 64) } } : d);
        Assert.That(() => StoreJoin.Run(shares, At("j")), Throws.ArgumentException.With.Message.Contains(shares[2]).And.Message.Contains("the share of another set of images"));
        Assert.That(Directory.Exists(At("j")), Is.False);
    }

    [Test]
    public void A_share_that_is_broken_is_named()
    {
        string[] shares = Shares(3);
        byte[] bytes = File.ReadAllBytes(Path.Combine(shares[1], "part-00001.npy"));
        bytes[^1] ^= 1;
        File.WriteAllBytes(Path.Combine(shares[1], "part-00001.npy"), bytes);
        Assert.That(() => StoreJoin.Run(shares, At("j")), Throws.TypeOf<InvalidDataException>().With.Message.Contains(shares[1]).And.Message.Contains("part-00001.npy"));
    }
}
