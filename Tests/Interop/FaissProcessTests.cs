using NUnit.Framework;
using Osprey.Interop.Faiss;

namespace Osprey.Tests.Interop;

[TestFixture]
public class FaissProcessTests
{
    static FaissProcess Start()
    {
        FaissProcess? faiss = FaissProcess.TryStart(2, out string reason);
        if (faiss is null) Assert.Ignore($"skipped: {reason}");
        return faiss!;
    }

    [Test]
    public void It_answers_and_times_itself()
    {
        using FaissProcess faiss = Start();
        float[] rows = [1, 0, 0, 1, 3, 4];
        Assert.That(faiss.Index(rows, 2, l2: false), Is.GreaterThan(0));
        faiss.SetQueries([1, 0, 0, 2], 2);
        Assert.That(faiss.Search(2), Is.InRange(1e-9, 60));
        (long[] ids, float[] scores) = faiss.Answer();
        Assert.That(ids, Is.EqualTo(new long[] { 2, 0, 2, 1 }));
        Assert.That(scores, Is.EqualTo(new float[] { 3, 1, 8, 2 }));

        faiss.Index(rows, 2, l2: true);
        faiss.Search(1);
        (ids, scores) = faiss.Answer();
        Assert.That(ids, Is.EqualTo(new long[] { 0, 1 }));
        Assert.That(scores, Is.EqualTo(new float[] { 0, 1 }));
        Assert.That(faiss.Version, Does.Match(@"^\d+\.\d+"));
    }

    [Test]
    public void What_it_refuses_is_told_and_it_goes_on()
    {
        using FaissProcess faiss = Start();
        faiss.Index([1, 0], 2, l2: false);
        faiss.SetQueries([1, 0, 0], 3);
        Assert.That(() => faiss.Search(1), Throws.InvalidOperationException.With.Message.StartsWith($"FAISS {faiss.Version} answers: AssertionError"));
        faiss.SetQueries([1, 0], 2);
        Assert.That(faiss.Search(1), Is.GreaterThan(0));
    }

    [Test]
    [NonParallelizable]
    public void Without_it_the_reason_is_named()
    {
        string? before = Environment.GetEnvironmentVariable(FaissProcess.PythonVariable);
        try
        {
            Environment.SetEnvironmentVariable(FaissProcess.PythonVariable, "/no/such/python");
            Assert.That(FaissProcess.TryStart(1, out string reason), Is.Null);
            Assert.That(reason, Is.EqualTo("no faiss in /no/such/python"));
        }
        finally
        {
            Environment.SetEnvironmentVariable(FaissProcess.PythonVariable, before);
        }
    }
}
