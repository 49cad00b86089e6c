using Osprey.Tool.Hosting;

using var interruption = new Interruption(Console.Error, !Console.IsErrorRedirected);
return Host.Run(args, Streams.OfProcess(), interruption.Token);
