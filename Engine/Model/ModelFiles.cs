using Osprey.Interop.Formats;

namespace Osprey.Engine.Model;

/// <summary>Where a model's weights and configuration are: a run folder, its <c>model.safetensors</c>, or a weights file alone.</summary>
/// <param name="Weights">The weights file.</param>
/// <param name="Config"><c>model.json</c>, or null for a weights file alone.</param>
sealed record ModelFiles(string Weights, string? Config)
{
    public const string WeightsName = "model.safetensors";
    public const string ConfigName = "model.json";

    public bool IsRun => Config is not null;

    /// <summary>Whether both of a run's files are there.</summary>
    public static bool IsComplete(string run) => File.Exists(Path.Combine(run, WeightsName)) && File.Exists(Path.Combine(run, ConfigName));

    /// <exception cref="FileNotFoundException">There is no such file or folder, or the folder has no model.</exception>
    public static ModelFiles Locate(string path)
    {
        if (Directory.Exists(path))
        {
            string weights = Path.Combine(path, WeightsName), config = Path.Combine(path, ConfigName);
            foreach (string file in (string[])[weights, config])
                if (!File.Exists(file)) throw new FileNotFoundException($"{path} is no run: it has no {Path.GetFileName(file)}; give a run folder or a weights file", file);
            return new ModelFiles(weights, config);
        }
        if (!File.Exists(path)) throw new FileNotFoundException($"there is no {path}; give a run folder or a weights file", path);
        string beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, ConfigName);
        return new ModelFiles(path, Path.GetFileName(path) == WeightsName && File.Exists(beside) ? beside : null);
    }

    /// <summary>The run's configuration, or for a weights file alone the recognised backbone with GeM p=3 and no head.</summary>
    /// <exception cref="InvalidDataException">The file is broken, or of a network that this engine does not have.</exception>
    public EmbedderConfig ReadConfig()
    {
        if (Config is not null)
        {
            try
            {
                return Json.Read<EmbedderConfig>(Config).Validate();
            }
            catch (ArgumentException e)
            {
                throw new InvalidDataException($"{Config} is not valid: {e.Message}", e);
            }
        }
        ArchitectureGuess guess = ArchitectureGuess.From(WeightsFile.Inspect(Weights).Select(t => (t.Name, t.Shape)));
        if (guess.Architecture is not Architecture architecture)
            throw new InvalidDataException($"{Weights} has no backbone that is known here; {(guess.Other is null ? "its tensor names are not torchvision's" : $"it looks like {guess.Other}")}. Known: resnet18, resnet34, resnet50, resnet101, squeezenet1_1");
        return new EmbedderConfig { Architecture = architecture, Stage = guess.Stage };
    }
}
