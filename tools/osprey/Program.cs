using Osprey.Tool.Hosting;

using var interruption = new Interruption(Console.Error);
return Host.Run(args, Streams.OfProcess(), interruption.Token);
