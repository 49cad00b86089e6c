using System.Text.Json.Nodes;

namespace Osprey.Engine;

/// <summary>What two JSON values differ in, value by value.</summary>
internal static class JsonDifferences
{
    /// <returns>One phrase per value, such as <c>train.epochs is 4 in the run and 8 here</c>; none where they are equal.</returns>
    /// <param name="first">One value.</param>
    /// <param name="second">The other.</param>
    /// <param name="inFirst">Where the one is, such as <c>in the run</c>.</param>
    /// <param name="inSecond">Where the other is.</param>
    public static IReadOnlyList<string> Between(JsonNode? first, JsonNode? second, string inFirst, string inSecond)
    {
        var differences = new List<string>();
        Compare(first, second, "");
        return differences;

        void Compare(JsonNode? a, JsonNode? b, string path)
        {
            if (a is JsonObject left && b is JsonObject right)
            {
                foreach (string key in left.Select(p => p.Key).Union(right.Select(p => p.Key))) Compare(left[key], right[key], path.Length == 0 ? key : $"{path}.{key}");
            }
            else if (!JsonNode.DeepEquals(a, b))
            {
                differences.Add($"{path} is {Show(a)} {inFirst} and {Show(b)} {inSecond}");
            }
        }
    }

    static string Show(JsonNode? node) => node?.ToJsonString() ?? "not given";
}
