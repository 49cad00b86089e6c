using NUnit.Framework;

namespace Osprey.Tests.Ptx;

[TestFixture]
public class PtxBudgetTests
{
    const string Report = """
        ptxas info    : Compiling entry function 'Kernel_Scores' for 'sm_90'
        ptxas info    : Function properties for Kernel_Scores
            16 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads
        ptxas info    : Used 52 registers, 4224 bytes smem, 412 bytes cmem[0]
        """;

    static readonly Version release = new(11, 8);

    static readonly PtxBudget budget = PtxBudget.Parse(["# a comment", "# ptxas 11.8", "", "A.Scores<X>  sm_90   56   16   4224"]);

    [Test]
    public void A_report_is_read() => Assert.That(Ptxas.Parse(Report), Is.EqualTo(new PtxasReport(52, 16, 4, 12, 4224, Report)));

    [Test]
    public void A_report_without_figures_is_none() => Assert.That(() => Ptxas.Parse("ptxas info    : 0 bytes gmem"), Throws.InstanceOf<InvalidDataException>());

    [TestCase(56, 16, 4224, null)]
    [TestCase(57, 16, 4224, "A.Scores<X> on sm_90 takes 57 registers, its budget is 56")]
    [TestCase(56, 24, 4224, "A.Scores<X> on sm_90 takes 24 bytes of stack, its budget is 16")]
    [TestCase(56, 16, 4225, "A.Scores<X> on sm_90 takes 4225 bytes of shared memory, its budget is 4224")]
    public void A_kernel_beyond_its_budget_is_named(int registers, int stack, int shared, string? message) =>
        Assert.That(budget.Excess("A.Scores<X>", "sm_90", new PtxasReport(registers, stack, 0, 0, shared, ""), release), Is.EqualTo(message));

    [TestCase("A.Scores<X>", "sm_80")]
    [TestCase("A.Scores<Y>", "sm_90")]
    public void A_kernel_without_a_line_is_named(string kernel, string target) =>
        Assert.That(budget.Excess(kernel, target, new PtxasReport(1, 0, 0, 0, 0, ""), release), Is.EqualTo($"the budget has no line for {kernel} on {target}"));

    [TestCase(64, true)]
    [TestCase(65, false)]
    public void Another_release_may_take_eight_registers_more(int registers, bool passes) =>
        Assert.That(budget.Excess("A.Scores<X>", "sm_90", new PtxasReport(registers, 16, 0, 0, 4224, ""), new Version(12, 4)) is null, Is.EqualTo(passes));

    [TestCase(49, 64)]
    [TestCase(56, 64)]
    [TestCase(57, 72)]
    public void Registers_are_handed_out_eight_at_a_time_and_eight_are_to_spare(int taken, int allowed) =>
        Assert.That(PtxAllowance.Of(new PtxasReport(taken, 16, 0, 0, 4224, "")), Is.EqualTo(new PtxAllowance(allowed, 16, 4224)));

    [Test]
    public void What_is_written_is_read_again()
    {
        PtxBudget again = PtxBudget.Parse(budget.Lines());
        Assert.That(again.Release, Is.EqualTo(budget.Release));
        Assert.That(again.Allowances, Is.EquivalentTo(budget.Allowances));
    }

    [TestCase("A.Scores sm_90 56 16")]
    [TestCase("A.Scores sm_90 56 16 4224 1")]
    [TestCase("A.Scores<X> sm_90 56 16 4224")]
    public void A_line_of_another_form_or_twice_is_refused(string line) =>
        Assert.That(() => PtxBudget.Parse([.. budget.Lines(), line]), Throws.InstanceOf<InvalidDataException>().With.Message.Contains(line));
}
