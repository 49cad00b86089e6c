namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>Which class is painted by whom, and at what scale.</summary>
/// <param name="Closest">Metres across the picture at the largest scale.</param>
/// <param name="Farthest">And at the smallest.</param>
internal sealed record Painter(float Closest, float Farthest, Action<Scene> Paint)
{
    public static Painter Of(SceneClass sceneClass) => sceneClass switch
    {
        SceneClass.Airport => new(300, 800, Airport.Paint),
        SceneClass.BaseballField => new(90, 230, Sports.PaintBaseball),
        SceneClass.Beach => new(110, 380, Waterside.PaintBeach),
        SceneClass.CropFields => new(260, 900, Fields.Paint),
        SceneClass.DenseResidential => new(90, 230, Residential.PaintDense),
        SceneClass.Forest => new(70, 260, Forest.Paint),
        SceneClass.GolfCourse => new(170, 360, Sports.PaintGolf),
        SceneClass.Harbour => new(90, 280, Waterside.PaintHarbour),
        SceneClass.HighwayJunction => new(200, 480, Overpass.Paint),
        SceneClass.Industrial => new(170, 430, Works.PaintIndustrial),
        SceneClass.ParkingLot => new(60, 150, ParkingLot.Paint),
        SceneClass.RailwayYard => new(70, 220, RailwayYard.Paint),
        SceneClass.River => new(160, 600, Waterside.PaintRiver),
        SceneClass.SparseResidential => new(110, 260, Residential.PaintSparse),
        SceneClass.StorageTanks => new(110, 330, Works.PaintTanks),
        SceneClass.TennisCourts => new(55, 130, Sports.PaintTennis),
        _ => throw new ArgumentException($"{sceneClass} is no scene class; the classes are {string.Join(", ", Enum.GetNames<SceneClass>())}"),
    };
}
