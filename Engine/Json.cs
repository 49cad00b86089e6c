using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Osprey.Interop.Formats;

namespace Osprey.Engine;

/// <summary>The one way this engine writes and reads JSON: snake_case names and enum values, no nulls, NaN as a named literal.</summary>
public static class Json
{
    public static JsonSerializerOptions Options { get; } = Create(indented: true);

    /// <summary>One object on one line, for <c>.jsonl</c> files.</summary>
    public static JsonSerializerOptions Line { get; } = Create(indented: false);

    static JsonSerializerOptions Create(bool indented) => new()
    {
        WriteIndented = indented,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        ReadCommentHandling = JsonCommentHandling.Skip,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>Writes aside, flushes to the disk and renames, so that a reader never sees half a file.</summary>
    public static void Write<T>(string path, T value) => AtomicFile.Write(path, JsonSerializer.Serialize(value, Options) + "\n");

    /// <exception cref="InvalidDataException">The file is not JSON of this shape; the message names it.</exception>
    public static T Read<T>(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllText(path), Options)
                ?? throw new InvalidDataException($"{path} holds null where an object was expected");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is not valid: {e.Message}", e);
        }
    }
}
