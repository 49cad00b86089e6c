using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Osprey.Tests.Engine.Evaluation;

/// <summary>A headless Chromium, spoken to in its DevTools protocol over a socket on this machine.</summary>
sealed class Browser : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    readonly Process process;
    readonly ClientWebSocket socket = new();
    readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> waiting = new();
    readonly ConcurrentQueue<JsonNode> events = new();
    readonly CancellationTokenSource end = new();
    Task reading = Task.CompletedTask;
    int calls;

    Browser(Process process) => this.process = process;

    /// <summary>The program, or null where PATH has none.</summary>
    public static string? Find() =>
        (from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator) from name in Names select Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <param name="program">From <see cref="Find"/>.</param>
    /// <param name="profile">A folder for its profile; made.</param>
    /// <exception cref="TimeoutException">It does not answer; the message has its last words.</exception>
    public static async Task<Browser> Open(string program, string profile)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true };
        // No sandbox: root may have none. No shared memory: containers give it 64 MB.
        foreach (string argument in (string[])["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-default-apps", "--remote-debugging-port=0", "--user-data-dir=" + profile, "about:blank"])
            start.ArgumentList.Add(argument);
        Process process = Process.Start(start)!;
        var words = new ConcurrentQueue<string>();
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, e) => words.Enqueue(e.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var browser = new Browser(process);
        try
        {
            string port = (await Until(() => Port(profile), () => string.Join('\n', words.TakeLast(5))))!;
            using var http = new HttpClient();
            JsonNode page = await Until(async () => JsonNode.Parse(await http.GetStringAsync($"http://127.0.0.1:{port}/json/list"))!.AsArray().FirstOrDefault(t => (string?)t!["type"] == "page"));
            await browser.socket.ConnectAsync(new Uri((string)page["webSocketDebuggerUrl"]!), CancellationToken.None).WaitAsync(Patience);
            browser.reading = Task.Run(browser.Read);
            foreach (string domain in (string[])["Page", "Runtime", "Log", "Network", "Accessibility", "DOM"]) await browser.Call(domain + ".enable");
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <summary>A command's result.</summary>
    public async Task<JsonNode> Call(string method, JsonObject? parameters = null)
    {
        int id = Interlocked.Increment(ref calls);
        TaskCompletionSource<JsonNode> answer = waiting[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] };
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, endOfMessage: true, end.Token);
        JsonNode reply = await answer.Task.WaitAsync(Patience);
        if (reply["error"] is { } error) throw new InvalidOperationException($"{method}: {error}");
        return reply["result"]!;
    }

    /// <summary>The parameters of all events of these names so far.</summary>
    public JsonNode[] Events(params string[] methods) => [.. events.Where(e => methods.Contains((string?)e["method"])).Select(e => e["params"]!)];

    /// <summary>Loads a page and waits until it and its pictures are there.</summary>
    public async Task Show(string file)
    {
        int before = Events("Page.loadEventFired").Length;
        await Call("Page.navigate", new() { ["url"] = new Uri(file).AbsoluteUri });
        await Until(() => Events("Page.loadEventFired").Length > before ? "" : null);
    }

    /// <summary>The value of an expression; a promise is waited for.</summary>
    public async Task<JsonNode?> Evaluate(string expression)
    {
        JsonNode answer = await Call("Runtime.evaluate", new() { ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true });
        if (answer["exceptionDetails"] is { } thrown) throw new InvalidOperationException($"{expression}: {thrown}");
        return answer["result"]!["value"];
    }

    /// <param name="width">Of the window, CSS pixels.</param>
    /// <param name="height">The same.</param>
    /// <param name="phone">Whether the page is laid out as a phone does it.</param>
    public Task Resize(int width, int height, bool phone = false) =>
        Call("Emulation.setDeviceMetricsOverride", new() { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = phone });

    /// <param name="media"><c>screen</c> or <c>print</c>.</param>
    /// <param name="scheme"><c>light</c> or <c>dark</c>.</param>
    public Task Emulate(string media, string scheme) => Call("Emulation.setEmulatedMedia",
        new() { ["media"] = media, ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = scheme }) });

    /// <summary>Presses and releases a key.</summary>
    public async Task Press(string key, int code, string? text = null)
    {
        foreach (string type in (string[])["keyDown", "keyUp"])
        {
            var parameters = new JsonObject { ["type"] = type, ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = code };
            if (text is not null && type == "keyDown") parameters["text"] = text;
            await Call("Input.dispatchKeyEvent", parameters);
        }
    }

    /// <summary>What the window shows, as a PNG.</summary>
    public async Task<byte[]> Screenshot() => Convert.FromBase64String((string)(await Call("Page.captureScreenshot", new() { ["format"] = "png" }))["data"]!);

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        socket.Dispose();
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync().WaitAsync(Patience);
        process.Dispose();
        await reading.ContinueWith(_ => { }, TaskScheduler.Default);
        end.Dispose();
    }

    /// <summary>The port it listens on, which it writes into its profile.</summary>
    static string? Port(string profile)
    {
        string file = Path.Combine(profile, "DevToolsActivePort");
        return File.Exists(file) && File.ReadAllLines(file) is { Length: > 1 } lines ? lines[0] : null;
    }

    static Task<T> Until<T>(Func<T?> ready, Func<string>? otherwise = null) where T : class => Until(() => Task.FromResult(ready()), otherwise);

    static async Task<T> Until<T>(Func<Task<T?>> ready, Func<string>? otherwise = null) where T : class
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < Patience)
        {
            if (await ready() is { } value) return value;
            await Task.Delay(50);
        }
        throw new TimeoutException($"the browser did not answer within {Patience.TotalSeconds} s. {otherwise?.Invoke()}");
    }

    async Task Read()
    {
        var buffer = new byte[1 << 16];
        using var message = new MemoryStream();
        while (!end.IsCancellationRequested)
        {
            message.SetLength(0);
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(buffer.AsMemory(), end.Token);
                message.Write(buffer, 0, part.Count);
            }
            while (!part.EndOfMessage);
            if (part.MessageType == WebSocketMessageType.Close) return;
            JsonNode node = JsonNode.Parse(message.GetBuffer().AsSpan(0, (int)message.Length))!;
            if (node["id"] is { } id && waiting.TryRemove((int)id, out TaskCompletionSource<JsonNode>? answer)) answer.SetResult(node);
            else events.Enqueue(node);
        }
    }
}
