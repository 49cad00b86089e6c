namespace Osprey.Tests.Ptx;

/// <summary>The read-only registers that say where a thread is.</summary>
static class SpecialRegisters
{
    static readonly Dictionary<string, Func<PtxWarp, int, uint>> known = new()
    {
        ["%tid.x"] = (w, lane) => (uint)w.Group.Thread(w, lane).X,
        ["%tid.y"] = (w, lane) => (uint)w.Group.Thread(w, lane).Y,
        ["%tid.z"] = (w, lane) => (uint)w.Group.Thread(w, lane).Z,
        ["%ntid.x"] = (w, _) => (uint)w.Group.Shape.X,
        ["%ntid.y"] = (w, _) => (uint)w.Group.Shape.Y,
        ["%ntid.z"] = (w, _) => (uint)w.Group.Shape.Z,
        ["%ctaid.x"] = (w, _) => (uint)w.Group.Place.X,
        ["%ctaid.y"] = (w, _) => (uint)w.Group.Place.Y,
        ["%ctaid.z"] = (w, _) => (uint)w.Group.Place.Z,
        ["%nctaid.x"] = (w, _) => (uint)w.Group.Grid.X,
        ["%nctaid.y"] = (w, _) => (uint)w.Group.Grid.Y,
        ["%nctaid.z"] = (w, _) => (uint)w.Group.Grid.Z,
        ["%laneid"] = (_, lane) => (uint)lane,
        ["%lanemask_eq"] = (_, lane) => 1u << lane,
        ["%lanemask_lt"] = (_, lane) => (1u << lane) - 1,
        ["%lanemask_le"] = (_, lane) => (2u << lane) - 1,
        ["%lanemask_gt"] = (_, lane) => ~((2u << lane) - 1),
        ["%lanemask_ge"] = (_, lane) => ~((1u << lane) - 1),
        ["%dynamic_smem_size"] = (w, _) => (uint)w.Group.DynamicShared,
    };

    public static bool Exists(string name) => known.ContainsKey(name);

    public static Func<PtxWarp, int, uint> Of(string name) => known[name];
}
