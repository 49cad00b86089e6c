using NUnit.Framework;
using Osprey.Interop.Mpi;

namespace Osprey.Tests.Interop.Mpi;

[TestFixture]
public sealed class MpiCommunicatorTests
{
    [TestCase(0, false)]
    [TestCase(1, false)]
    [TestCase(2, true)]
    [TestCase(3, true)]
    public void A_library_that_one_thread_alone_may_call_is_refused(int provided, bool enough) =>
        Assert.That(MpiCommunicator.ThreadFault(provided), enough ? Is.Null : Does.Contain($"its thread level is {provided}, and 2, MPI_THREAD_SERIALIZED, is needed"));
}
