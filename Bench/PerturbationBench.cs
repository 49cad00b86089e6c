namespace Osprey.Bench;

public class PerturbationBench() : ContestBench("perturbation");
