using NUnit.Framework;
using Osprey.Interop.Mpi;

namespace Osprey.Tests.Interop.Mpi;

[TestFixture]
public class LaunchTests
{
    static Launch Of(params (string Name, string Value)[] variables) => Launch.Of(name => variables.Where(v => v.Name == name).Select(v => v.Value).FirstOrDefault());

    [Test]
    public void The_variables_of_a_launcher_say_which_process_this_is()
    {
        Assert.That(Of(), Is.EqualTo(new Launch(0, 1, OpenMpi: false)));
        Assert.That(Of(("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_RANK", "3")), Is.EqualTo(new Launch(3, 4, OpenMpi: true)));
        Assert.That(Of(("PMI_SIZE", "2"), ("PMI_RANK", "0")), Is.EqualTo(new Launch(0, 2, OpenMpi: false)));
    }

    [TestCase("4", "4")]
    [TestCase("0", "0")]
    [TestCase("x", "0")]
    [TestCase("-2", "0")]
    public void Variables_that_make_no_sense_are_none(string size, string rank) =>
        Assert.That(Of(("OMPI_COMM_WORLD_SIZE", size), ("OMPI_COMM_WORLD_RANK", rank)).Size, Is.EqualTo(1));

    [Test]
    public void A_process_by_itself_needs_no_library()
    {
        using ICommunicator ranks = Launch.Open();
        Assert.That((ranks.Rank, ranks.Size), Is.EqualTo((0, 1)));
        byte[] data = [1, 2, 3];
        float[] values = [4, 5];
        ranks.Barrier();
        ranks.Broadcast(data, 0);
        double[] wide = [6];
        ranks.AllReduceSum(values);
        ranks.AllReduceSum(wide);
        Assert.That(ranks.Gather(data, 0), Is.EqualTo(new[] { new byte[] { 1, 2, 3 } }));
        Assert.That(values, Is.EqualTo(new float[] { 4, 5 }));
        Assert.That(wide, Is.EqualTo(new double[] { 6 }));
        Assert.That(() => ranks.Broadcast(data, 1), Throws.ArgumentException.With.Message.Contains("0 to 0"));
    }

    [TestCase("SLURM_STEP_NUM_TASKS=2", 2)]
    [TestCase("SLURM_STEP_NUM_TASKS=1", 1)]
    [TestCase("SLURM_NTASKS=2", 1, TestName = "A batch script runs once")]
    [TestCase("SLURM_STEP_NUM_TASKS=2 PMI_SIZE=2 PMI_RANK=1", 1)]
    [TestCase("SLURM_STEP_NUM_TASKS=2 PMIX_RANK=1", 1)]
    [TestCase("SLURM_STEP_NUM_TASKS=2 OMPI_COMM_WORLD_SIZE=1 OMPI_COMM_WORLD_RANK=0", 1)]
    [TestCase("", 1)]
    public void Tasks_of_srun_that_cannot_be_joined_are_counted(string environment, int count)
    {
        Dictionary<string, string> variables = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('=')).ToDictionary(v => v[0], v => v[1]);
        Assert.That(Launch.Strangers(variables.GetValueOrDefault), Is.EqualTo(count));
    }

    [Test]
    public void Srun_with_pmix_starts_ranks_of_open_mpi()
    {
        Assert.That(Of(("SLURM_STEP_NUM_TASKS", "3"), ("PMIX_RANK", "2")), Is.EqualTo(new Launch(2, 3, OpenMpi: true)));
        Assert.That(Of(("OMPI_COMM_WORLD_SIZE", "2"), ("OMPI_COMM_WORLD_RANK", "1"), ("SLURM_STEP_NUM_TASKS", "3"), ("PMIX_RANK", "0")), Is.EqualTo(new Launch(1, 2, OpenMpi: true)));
    }
}
