using System.CommandLine;
using Osprey.Engine;

namespace Osprey.Tool.Hosting;

/// <summary>The flags of one configuration record: what is given on the command line replaces the start value's property.</summary>
sealed class FlagSet<T>
    where T : class, new()
{
    readonly List<Func<ParseResult, T, T>> bindings = [];
    readonly List<string> properties = [];
    readonly List<Option> options = [];

    /// <summary>The record's properties that have a flag, by name.</summary>
    public IReadOnlyList<string> Properties => properties;

    public IReadOnlyList<Option> Options => options;

    public FlagSet<T> Add<V>(string property, Option<V?> option, Func<T, V, T> set)
        where V : struct
    {
        properties.Add(property);
        options.Add(option);
        bindings.Add((parse, record) => parse.GetResult(option) is not null && parse.GetValue(option) is V v ? set(record, v) : record);
        return this;
    }

    public FlagSet<T> Add<V>(string property, Option<V[]?> option, Func<T, V[], T> set)
        where V : struct
    {
        properties.Add(property);
        options.Add(option);
        bindings.Add((parse, record) => parse.GetResult(option) is not null && parse.GetValue(option) is { } v ? set(record, v) : record);
        return this;
    }

    /// <summary>A switch that is on by default has a <c>--no-</c> flag, one that is off by default a plain one: <paramref name="set"/> is called when the flag is there.</summary>
    public FlagSet<T> Add(string property, Option<bool> option, Func<T, T> set)
    {
        properties.Add(property);
        options.Add(option);
        bindings.Add((parse, record) => parse.GetValue(option) ? set(record) : record);
        return this;
    }

    public void AddTo(Command command)
    {
        foreach (Option option in options) command.Add(option);
    }

    /// <summary><paramref name="start"/>, the file's record or the defaults, with every given flag applied.</summary>
    public T Bind(ParseResult parse, T start) => bindings.Aggregate(start, (record, bind) => bind(parse, record));

    /// <summary>The record in a JSON file, or the defaults where none is named.</summary>
    public static T Start(string? file)
    {
        if (file is null) return new T();
        if (!File.Exists(file)) throw new FileNotFoundException($"there is no configuration {file}");
        return Json.Read<T>(file);
    }
}
