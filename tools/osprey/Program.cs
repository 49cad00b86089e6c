using Osprey.Interop.Mpi;
using Osprey.Interop.Torch;
using Osprey.Tool.Hosting;

OpenMp.WaitAsleep();
HostAllocator.KeepFreed();
Streams streams = Streams.OfProcess();
using var interruption = new Interruption(Launch.OfProcess().Rank == 0 ? streams.Error : TextWriter.Null, streams.ErrorIsTerminal);
return Host.Run(args, streams, interruption.Token);
