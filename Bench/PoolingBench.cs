namespace Osprey.Bench;

public class PoolingBench() : ContestBench("pooling");
