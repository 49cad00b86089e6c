namespace Osprey.Bench;

public class BackboneBench() : ContestBench("backbone");
