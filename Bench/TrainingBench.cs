namespace Osprey.Bench;

public class TrainingBench() : ContestBench("training");
