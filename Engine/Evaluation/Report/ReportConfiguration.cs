using System.Text;
using System.Text.Json;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>All that it takes to have the same figures again.</summary>
static class ReportConfiguration
{
    public static void Write(Markup page, EvaluationResult result, ReportOrigin origin)
    {
        if (origin.Command is { } command)
        {
            page.Element("h3", "Command line");
            Block(page, "command line", command);
        }
        BadFile[] bad = [.. result.Results.SelectMany(r => r.BadFiles).DistinctBy(f => f.Path)];
        if (bad.Length > 0)
        {
            page.Element("h3", bad.Length == 1 ? "1 file could not be read and was left out" : $"{bad.Length} files could not be read and were left out");
            var list = new StringBuilder();
            foreach (BadFile file in bad) list.Append(file.Path).Append(": ").Append(file.Reason).Append('\n');
            Block(page, "files left out", list.ToString());
        }
        if (origin.Models.Count > 0) Models(page, origin.Models, ChartKey.Of(result));
        if (origin.Surroundings.Count > 0)
            using (ReportTables.Table(page, "Versions and machine", "facts"))
            using (page.Open("tbody"))
                foreach ((string name, string value) in origin.Surroundings)
                    using (page.Open("tr"))
                        page.Element("th", name, "scope", "row").Element("td", value);
        Json(page, "Evaluation", result.Config);
        Json(page, "Images: how files became pictures", origin.Decoding);
        foreach (ModelOrigin model in origin.Models)
        {
            Json(page, $"{model.Name}: network (model.json)", model.Network);
            if (model.Run is { } run) Json(page, $"{model.Name}: training (config.json)", run);
        }
    }

    static void Models(Markup page, IReadOnlyList<ModelOrigin> models, ChartKey[] keys)
    {
        using (ReportTables.Table(page, "Models"))
        {
            using (page.Open("thead"))
            using (page.Open("tr"))
                foreach (string header in (string[])["Model", "Network", "Pooling", "Descriptor", "Training", "SHA-256 of the weights"]) page.Element("th", header, "scope", "col", "class", "name");
            using (page.Open("tbody"))
                foreach (ModelOrigin model in models)
                    using (page.Open("tr"))
                    {
                        ReportTables.ModelName(page, ChartKey.Find(keys, model.Name));
                        Model.EmbedderConfig network = model.Network;
                        page.Element("td", network.Stage < 4 ? $"{Word(network.Architecture)}, to stage {network.Stage}" : Word(network.Architecture), "class", "name").Element("td", Word(network.Pooling), "class", "name");
                        page.Element("td", network.DescriptorSize is { } size ? $"whitened to {size}" : "the pooled channels", "class", "name").Element("td", Training(model), "class", "name");
                        page.Element("td", model.WeightsSha256[..16] + "…", "class", "name", "title", model.WeightsSha256);
                    }
        }
    }

    /// <summary>The few words that tell runs apart; the whole is printed below.</summary>
    static string Training(ModelOrigin model)
    {
        if (model.Run is not { } run || !run.TryGetProperty("train", out JsonElement train)) return "none known";
        string Part(JsonElement of, string name) => of.TryGetProperty(name, out JsonElement value) ? value.ToString() : "?";
        string data = run.TryGetProperty("data", out JsonElement source) ? $" on {Part(source, "name")}, {Part(source, "images")} images" : "";
        return $"{Part(train, "recipe")}, {Part(train, "loss")}, {Part(train, "epochs")} epochs{data}";
    }

    static string Word<T>(T value) where T : struct, Enum => JsonSerializer.Serialize(value, Engine.Json.Line).Trim('"');

    static void Json(Markup page, string name, object value)
    {
        using (page.Open("details"))
        {
            page.Element("summary", name);
            Block(page, name, JsonSerializer.Serialize(value, Engine.Json.Options));
        }
    }

    /// <summary>Text as it is, in a box that scrolls by itself.</summary>
    static void Block(Markup page, string name, string text) => page.Element("pre", text, "tabindex", "0", "role", "region", "aria-label", name);
}
