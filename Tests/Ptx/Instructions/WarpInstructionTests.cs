using NUnit.Framework;
using static Osprey.Tests.Ptx.PtxSnippet;

namespace Osprey.Tests.Ptx.Instructions;

/// <summary>What lanes do together, what memory shows them of each other, and the mistakes that must not pass.</summary>
[TestFixture]
public class WarpInstructionTests
{
    static readonly uint[] squares = Each(lane => (uint)(lane * lane));

    static uint Square(int lane) => (uint)(lane * lane);

    [Test]
    public void Shuffles()
    {
        Assert.That(Run("shfl.sync.bfly.b32 %d, %a0, 5, 31, -1;", squares), Is.EqualTo(Each(lane => Square(lane ^ 5))));
        Assert.That(Run("shfl.sync.idx.b32 %d, %a0, 7, 31, -1;", squares), Is.EqualTo(Each(_ => Square(7))));
        Assert.That(Run("shfl.sync.up.b32 %d, %a0, 3, 0, -1;", squares), Is.EqualTo(Each(lane => Square(lane < 3 ? lane : lane - 3))));
        Assert.That(Run("shfl.sync.down.b32 %d|%p, %a0, 3, 31, -1; @!%p mov.b32 %d, 9;", squares), Is.EqualTo(Each(lane => lane < 29 ? Square(lane + 3) : 9)));
        // Segments of eight: c = (mask 0x18 << 8) | 7.
        Assert.That(Run("shfl.sync.idx.b32 %d, %a0, 2, 0x1807, -1;", squares), Is.EqualTo(Each(lane => Square(lane / 8 * 8 + 2))));
    }

    [Test]
    public void Votes_matches_and_reductions()
    {
        const string Odd = "and.b32 %a1, %thread, 1; setp.eq.u32 %p, %a1, 1; ";
        Assert.That(Run(Odd + "vote.sync.ballot.b32 %d, %p, -1;"), Is.EqualTo(All(0xaaaaaaaa)));
        Assert.That(Run(Odd + "vote.sync.any.pred %q, %p, -1; selp.b32 %d, 1, 0, %q;"), Is.EqualTo(All(1u)));
        Assert.That(Run(Odd + "vote.sync.all.pred %q, %p, -1; selp.b32 %d, 1, 0, %q;"), Is.EqualTo(All(0u)));
        Assert.That(Run(Odd + "match.any.sync.b32 %d, %a1, -1;"), Is.EqualTo(Each(lane => lane % 2 == 1 ? 0xaaaaaaaau : 0x55555555u)));
        Assert.That(Run("redux.sync.add.u32 %d, %a0, -1;", squares), Is.EqualTo(All(10416u)));
        Assert.That(Run("redux.sync.min.s32 %d, %a0, -1;", Each(lane => (uint)(5 - lane))), Is.EqualTo(All(0xffffffe6u)));
    }

    [Test]
    public void Diverged_lanes_meet_again()
    {
        // Odd lanes go the long way round and meet the others at the shuffle.
        const string Body = """
            and.b32 %a1, %thread, 1; setp.eq.u32 %p, %a1, 1; mov.b32 %a2, %thread;
            @%p bra Odd;
            Together: shfl.sync.bfly.b32 %d, %a2, 1, 31, -1;
            bra.uni Done;
            Odd: add.u32 %a2, %a2, 100;
            bra.uni Together;
            Done:
            """;
        Assert.That(Run(Body), Is.EqualTo(Each(lane => (uint)(lane % 2 == 1 ? lane - 1 : lane + 101))));
    }

    [Test]
    public void Loops_run_as_often_as_each_lane_says()
    {
        const string Body = """
            mov.b32 %d, 0; mov.b32 %a1, %thread;
            Next: setp.eq.u32 %p, %a1, 0;
            @%p bra Done;
            add.u32 %d, %d, %a1; sub.u32 %a1, %a1, 1;
            bra.uni Next;
            Done:
            """;
        Assert.That(Run(Body), Is.EqualTo(Each(lane => (uint)(lane * (lane + 1) / 2))));
    }

    const string Exchange = """
        .shared .align 4 .b8 tile[512]; mov.u64 %b0, tile; mul.wide.u32 %b1, %thread, 4; add.u64 %b1, %b0, %b1; st.shared.b32 [%b1], %thread;
        BARRIER
        xor.b32 %a1, %thread, DISTANCE; mul.wide.u32 %b1, %a1, 4; add.u64 %b1, %b0, %b1; ld.shared.b32 %d, [%b1];
        """;

    static string Exchanging(int distance, string barrier) => Exchange.Replace("DISTANCE", $"{distance}", StringComparison.Ordinal).Replace("BARRIER", barrier, StringComparison.Ordinal);

    [Test]
    public void A_barrier_shows_what_others_wrote()
    {
        Assert.That(Run(Exchanging(37, "bar.sync 0;"), 128), Is.EqualTo(Each(thread => (uint)(thread ^ 37), 128)));
        Assert.That(Run(Exchanging(37, "barrier.sync 3, 128;"), 128), Is.EqualTo(Each(thread => (uint)(thread ^ 37), 128)));
        Assert.That(Run(Exchanging(5, "bar.warp.sync -1;"), 128), Is.EqualTo(Each(thread => (uint)(thread ^ 5), 128)));
    }

    [TestCase(37, "", "race|before it is written")]
    [TestCase(5, "", "race")]
    [TestCase(37, "bar.warp.sync -1;", "race|before it is written")]
    [TestCase(37, "membar.cta;", "race|before it is written")]
    [TestCase(37, "setp.lt.u32 %p, %thread, 64; @%p bar.sync 0;", "race|before it is written")]
    [TestCase(37, "bar.sync 1, 96;", "stuck")]
    [TestCase(37, "setp.lt.u32 %p, %thread, 127; @!%p ret; bar.sync 0;", "stuck")]
    public void A_missing_barrier_is_found(int distance, string barrier, string why) =>
        Assert.That(() => Run(Exchanging(distance, barrier), 128), Throws.InstanceOf<PtxFaultException>().With.Message.Match(why));

    [Test]
    public void Writing_what_another_still_reads_is_a_race() =>
        Assert.That(
            () => Run(Exchanging(37, "bar.sync 0;") + "mul.wide.u32 %b1, %thread, 4; add.u64 %b1, %b0, %b1; st.shared.b32 [%b1], 0;", 128),
            Throws.InstanceOf<PtxFaultException>().With.Message.Contains("race"));

    [Test]
    public void Atomics_count()
    {
        const string Body = """
            .shared .align 4 .b8 count[4]; mov.u64 %b0, count; setp.eq.u32 %p, %thread, 0; @%p st.shared.b32 [%b0], 0;
            bar.sync 0;
            atom.shared.add.u32 %a1, [%b0], 2;
            red.shared.max.u32 [%b0], 1;
            bar.sync 0;
            ld.shared.b32 %d, [%b0];
            """;
        Assert.That(Run(Body, 64), Is.EqualTo(All(128u, 64)));
    }

    [TestCase("ld.global.b32 %d, [%out+128];", "outside")]
    [TestCase("ld.global.b32 %d, [%out+-4];", "outside")]
    [TestCase("ld.global.b32 %d, [%out+2];", "not aligned")]
    [TestCase("ld.global.b32 %d, [%out];", "before it is written")]
    [TestCase("mov.u64 %b0, 4096; ld.global.b32 %d, [%b0];", "no address of global memory")]
    [TestCase("add.u32 %d, %a5, 1;", "%a5 is read by lane 0 before it is written")]
    [TestCase(".shared .align 4 .b8 s[128]; mov.u64 %b0, s; ld.shared.b32 %d, [%b0];", "before it is written")]
    [TestCase(".shared .align 4 .b8 s[128]; mov.u64 %b0, s; st.shared.b32 [%b0+128], %thread;", "no variable")]
    [TestCase(".shared .align 4 .b8 s[128]; mov.u64 %b0, s; st.shared.v2.b32 [%b0], {%thread, %thread};", "not aligned")]
    [TestCase(".shared .align 4 .b8 s[128]; mov.u64 %b0, s; ld.global.b32 %d, [%b0];", "no address of global memory")]
    [TestCase(".local .align 4 .b8 s[8]; mov.u64 %b0, s; ld.local.b32 %d, [%b0];", "before it is written")]
    [TestCase("mov.b32 %d, 1; setp.lt.u32 %p, %thread, 5; @%p bra.uni Away; mov.b32 %d, 2; Away:", "a uniform branch diverges")]
    [TestCase("setp.lt.u32 %p, %thread, 5; mov.b32 %d, 1; @%p shfl.sync.bfly.b32 %d, %thread, 1, 31, -1;", "stuck")]
    [TestCase("shfl.sync.bfly.b32 %d, %thread, 1, 31, 0xffff;", "not in the mask")]
    [TestCase("setp.lt.u32 %p, %thread, 16; mov.b32 %d, 1; @%p shfl.sync.bfly.b32 %d, %thread, 16, 31, 0xffff;", "takes no part")]
    [TestCase("mov.b32 %a1, 0; div.s32 %d, %thread, %a1;", "divided by zero")]
    [TestCase("Again: bra.uni Again;", "has not ended after 100000 instructions")]
    public void Mistakes_are_named_with_their_line(string body, string why) =>
        Assert.That(() => Run(body), Throws.InstanceOf<PtxFaultException>().With.Message.Contains(why).And.Message.Contains("line"));

    [TestCase("tensormap.replace.tile %d;", "'tensormap' is not known")]
    [TestCase("add.rz.f32 %d, %a0, %a1;", "a type was expected")]
    [TestCase("add.f16 %d, %a0, %a1;", "is not known")]
    [TestCase("mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 %d, %d, %d, %d;", "m16n8k16")]
    [TestCase("mov.b32 %d, %nothing;", "'%nothing' is not declared")]
    [TestCase("bra Nowhere;", "neither declared nor a label")]
    public void An_instruction_that_it_does_not_know_is_refused_with_its_line(string body, string why) =>
        Assert.That(() => Run(body), Throws.InstanceOf<PtxFaultException>().With.Message.StartsWith("line").And.Message.Contains(why));

    [Test]
    public void Names_of_an_inner_scope_hide_those_outside() =>
        Assert.That(Run("mov.b32 %a1, 1; { .reg .b32 %a1; mov.b32 %a1, 7; mov.b32 %d, %a1; } add.u32 %d, %d, %a1;"), Is.EqualTo(All(8u)));
}
