using BenchmarkDotNet.Attributes;

namespace Osprey.Bench;

public class SearchBench() : ContestBench("search")
{
    /// <summary>In its own process, the way there and back included; nothing where it is not installed.</summary>
    [Benchmark]
    public double Faiss() => Call(1);
}
