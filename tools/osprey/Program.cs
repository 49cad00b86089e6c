using Osprey.Interop.Torch;
using Osprey.Tool.Hosting;

OpenMp.WaitAsleep();
HostAllocator.KeepFreed();
using var interruption = new Interruption(Console.Error, !Console.IsErrorRedirected);
return Host.Run(args, Streams.OfProcess(), interruption.Token);
