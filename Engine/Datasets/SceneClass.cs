namespace Osprey.Engine.Datasets;

/// <summary>The land uses that <see cref="SceneSynthesis"/> draws.</summary>
public enum SceneClass
{
    Airport,
    BaseballField,
    Beach,
    CropFields,
    DenseResidential,
    Forest,
    GolfCourse,
    Harbour,
    HighwayJunction,
    Industrial,
    ParkingLot,
    RailwayYard,
    River,
    SparseResidential,
    StorageTanks,
    TennisCourts,
}
