namespace Osprey.Bench;

public class NormalizationBench() : ContestBench("normalization");
