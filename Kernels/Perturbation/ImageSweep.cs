using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Perturbation;

/// <summary>What a pass does with values <paramref name="first"/> … first + count − 1 of an image.</summary>
/// <param name="image">Number of the image.</param>
/// <param name="factors">The image's two factors, from the passes before this one.</param>
/// <param name="sums">The image's three sums, to be added to.</param>
internal unsafe delegate void ImagePass(int image, int first, int count, float* factors, double* sums);

/// <summary>An image's sums, complete, to its factors.</summary>
internal unsafe delegate void ImageFactors(int image, double* sums, float* factors);

/// <summary>One pass over every image, and what follows from its sums before the next pass may begin.</summary>
internal sealed record ImageStage(ImagePass Pass, ImageFactors? Then = null);

/// <summary>
/// Runs passes that follow one another image by image, on several threads. A thread takes an image through all its passes, so that a later pass finds in the
/// cache what an earlier one read; every second pass goes backwards, from what was read last. Images that do not divide among the threads are shared in
/// chunks. Sums add up chunk by chunk in one order either way, so the number of threads changes no bit.
/// </summary>
internal sealed unsafe class ImageSweep
{
    /// <summary>Values of a chunk: whole tiles of random numbers.</summary>
    public const int ChunkLength = 256 * Philox.Tile;

    const int Sums = 3, Factors = 2;

    readonly int threads;
    readonly HostTeam team;
    readonly Action<int> runBlock, runChunk;
    double[] chunkSums = [];
    float[] restFactors = [];

    // The run in progress.
    ImageStage[] stages = [];
    int images, values, chunksPerImage, imagesPerBlock, firstOfRest, stage;

    public ImageSweep(int threads)
    {
        this.threads = threads;
        team = new HostTeam(threads);
        runBlock = RunBlock;
        runChunk = RunChunk;
    }

    public void Run(ImageStage[] stages, int images, int values)
    {
        this.stages = stages;
        this.values = values;
        chunksPerImage = ((values - 1) / ChunkLength) + 1;
        // Small images go several at a time; of large ones those that are left over are shared.
        imagesPerBlock = Math.Max(1, ChunkLength / values);
        this.images = firstOfRest = chunksPerImage == 1 ? images : images - (images % threads);
        team.Run(runBlock, (int)(((long)firstOfRest + imagesPerBlock - 1) / imagesPerBlock));
        if (firstOfRest < images) RunRest(images - firstOfRest);
    }

    void RunBlock(int block)
    {
        double* sums = stackalloc double[Sums];
        float* factors = stackalloc float[Factors];
        int first = block * imagesPerBlock, end = (int)Math.Min(images, (long)first + imagesPerBlock);
        for (int image = first; image < end; image++)
        {
            for (int s = 0; s < stages.Length; s++)
            {
                new Span<double>(sums, Sums).Clear();
                for (int k = 0; k < chunksPerImage; k++) Pass(s, image, k, factors, sums);
                stages[s].Then?.Invoke(image, sums, factors);
            }
        }
    }

    void RunRest(int rest)
    {
        int chunks = rest * chunksPerImage;
        if (chunkSums.Length < Sums * chunks) chunkSums = new double[Sums * chunks];
        if (restFactors.Length < Factors * rest) restFactors = new float[Factors * rest];
        double* sums = stackalloc double[Sums];
        for (stage = 0; stage < stages.Length; stage++)
        {
            Array.Clear(chunkSums);
            team.Run(runChunk, chunks);
            if (stages[stage].Then is not { } then) continue;
            for (int image = 0; image < rest; image++)
            {
                new Span<double>(sums, Sums).Clear();
                for (int k = 0; k < chunksPerImage; k++)
                    for (int i = 0; i < Sums; i++) sums[i] += chunkSums[(((image * chunksPerImage) + k) * Sums) + i];
                fixed (float* factors = &restFactors[Factors * image]) then(firstOfRest + image, sums, factors);
            }
        }
    }

    void RunChunk(int chunk)
    {
        int image = chunk / chunksPerImage;
        fixed (double* sums = &chunkSums[Sums * chunk])
        fixed (float* factors = &restFactors[Factors * image])
            Pass(stage, firstOfRest + image, chunk % chunksPerImage, factors, sums);
    }

    /// <summary>The k-th chunk that a stage comes to.</summary>
    void Pass(int s, int image, int k, float* factors, double* sums)
    {
        int first = ((s & 1) == 0 ? k : chunksPerImage - 1 - k) * ChunkLength;
        stages[s].Pass(image, first, Math.Min(ChunkLength, values - first), factors, sums);
    }
}
