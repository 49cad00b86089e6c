using System.CommandLine;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Engine.Sources;
using Osprey.Tool.Hosting;

namespace Osprey.Tool.Verbs;

sealed class StoreAppendVerb : Verb
{
    readonly Argument<string> store = new("STORE") { Description = "The store that grows." };

    readonly Argument<string[]> others = new("OTHER") { Description = "Stores of the same model and settings, whose rows go behind STORE's.", Arity = ArgumentArity.ZeroOrMore };

    readonly Option<string[]> data = Flag.Texts("--data", "DIR|FILE", "Images, as for 'embed': those that STORE does not have yet are described as its own were, and appended.");

    readonly Option<string?> model = Flag.Text("--model", "RUN|FILE", "STORE's model, for --data, where it is no longer where it was.");

    readonly Option<int?> batch = Flag.Whole<int>("--batch", "Images per forward pass, 1 to 4096. Default 32.", 1, 4096, 32);

    public StoreAppendVerb()
        : base("append", "Adds the rows of other stores, or of new images, to a store.")
    {
        Add(store);
        Add(others);
        foreach (Option option in new Option[] { data, model, batch }) Add(option);
        Validators.Add(result =>
        {
            if (result.GetValue(others) is not { Length: > 0 } == (result.GetResult(data) is null)) result.AddError("append stores or, with --data, images");
            if (result.GetResult(model) is not null && result.GetResult(data) is null) result.AddError("--model belongs to --data");
        });
    }

    public override IReadOnlyList<string> Examples => ["store append stores/photos --data photos", "store append stores/ucm stores/aid", "store append stores/photos --data new/*.tar --model runs/aid"];

    public override string Notes => "New parts are written first and then named in the manifest at once: after a crash STORE is as it was, and the same command goes on. An image that is there already is refused from another store, and passed over in --data. Make the index anew afterwards.";

    public override int Run(ParseResult arguments, Session session)
    {
        string path = arguments.GetRequiredValue(store);
        DescriptorStore before = DescriptorStore.Open(path);
        if (arguments.GetValue(data) is not { Length: > 0 } images) return StoreChange.Write(session, before, StoreEdit.Append(path, arguments.GetRequiredValue(others), session.Progress, session.Cancellation));
        using Embedder embedder = StoreModel.Open(before, arguments.GetValue(model), session, out string from);
        using IImageSource source = ImageSources.Open(images, Preprocessing.Parse(before.Manifest.Preprocessing).Decoding, before.Manifest.Windows);
        DescriptorStore after = StoreEdit.AppendImages(path, embedder, from, source, arguments.GetValue(batch)!.Value, session.Threads, session.Progress, session.Cancellation);
        session.Warn([.. after.ReadBadFiles().Skip((int)before.Manifest.BadFiles).Select(b => b with { Path = Path.Combine(after.Manifest.Root, b.Path) })]);
        return StoreChange.Write(session, before, after);
    }
}
