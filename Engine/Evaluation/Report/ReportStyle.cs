namespace Osprey.Engine.Evaluation.Report;

/// <summary>The page's style sheet: light and dark, phone and paper.</summary>
static class ReportStyle
{
    public const string Css = """
        :root { color-scheme: light dark;
          --page: #f6f7f9; --card: #ffffff; --ink: #1b2430; --soft: #596676; --line: #dce1e8; --head: #eef1f5; --link: #1f5fbf;
          --right: #15803d; --wrong: #c2261c; --heat: 31 95 191;
          --s0: #7a8699; --s1: #d9731a; --s2: #1f6fd6; --s3: #178a6b; --s4: #a545b3; --s5: #b59410; }
        @media (prefers-color-scheme: dark) { :root {
          --page: #12161c; --card: #1a2029; --ink: #e6eaf0; --soft: #9aa7b8; --line: #303a47; --head: #222a35; --link: #7fb2ff;
          --right: #4ade80; --wrong: #ff7a70; --heat: 110 165 255;
          --s0: #98a5b8; --s1: #f29a4a; --s2: #6aa9ff; --s3: #4cc9a4; --s4: #d58ae0; --s5: #dec048; } }
        * { box-sizing: border-box; }
        html { scroll-behavior: smooth; }
        @media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
        body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
        .skip { position: absolute; left: 8px; top: -99px; } .skip:focus { top: 8px; background: var(--card); padding: 8px; z-index: 3; }
        header, main, footer { max-width: 1120px; margin: 0 auto; padding: 0 16px; }
        header { padding-top: 28px; } h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.01em; }
        h2 { font-size: 1.25rem; margin: 0 0 4px; } h3 { font-size: 1rem; margin: 22px 0 8px; } p { margin: 4px 0 10px; max-width: 76ch; }
        .soft, figcaption, caption { color: var(--soft); } a { color: var(--link); }
        nav { position: sticky; top: 0; background: var(--page); z-index: 2; border-bottom: 1px solid var(--line); }
        nav ul { max-width: 1120px; margin: 0 auto; padding: 8px 16px; display: flex; gap: 4px 18px; list-style: none; overflow-x: auto; white-space: nowrap; }
        nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
        section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 18px 20px; margin: 18px 0; scroll-margin-top: 52px; }
        .tiles { display: flex; flex-wrap: wrap; gap: 10px; padding: 0; margin: 14px 0 16px; list-style: none; }
        .tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 14px; } .tiles b { display: block; font-size: 1.2rem; }
        .scroll { overflow-x: auto; margin: 6px 0 4px; border-radius: 6px; } :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .93rem; } caption { text-align: left; padding: 2px 0 6px; }
        th, td { padding: 5px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; } thead th { background: var(--head); vertical-align: bottom; }
        th[scope=row], th[scope=rowgroup] { text-align: left; font-weight: 500; } th.name, td.name { text-align: left; } th[scope=rowgroup] { vertical-align: top; } .facts td { text-align: left; white-space: normal; } tbody + tbody > tr:first-child > * { border-top: 2px solid var(--line); } td small, th small { color: var(--soft); display: block; font-weight: 400; font-size: .78rem; line-height: 1.2; }
        td[colspan] { text-align: left; } td.best { font-weight: 700; } .group > :not([scope=rowgroup]) { font-weight: 600; background: var(--head); } .up { color: var(--right); } .down { color: var(--wrong); }
        .swatch { display: inline-block; width: .7em; height: .7em; border-radius: 2px; margin-right: .5em; }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 14px 26px; } figure { margin: 8px 0; max-width: 540px; } figcaption { font-weight: 600; margin-bottom: 2px; }
        svg { display: block; width: 100%; height: auto; overflow: visible; } svg text { fill: var(--soft); font-size: 11.5px; font-variant-numeric: tabular-nums; } svg text.name { fill: var(--ink); font-size: 12.5px; }
        .grid { stroke: var(--line); stroke-width: 1; } .error { stroke: var(--ink); stroke-width: 1.3; }
        .legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; padding: 0; margin: 6px 0; } .legend li { display: flex; align-items: center; gap: 6px; } .legend svg { width: 28px; flex: none; }
        .map { max-width: 420px; } .map path { stroke-width: 5; stroke-linecap: round; fill: none; opacity: .6; } .map text { fill: var(--ink); font-size: 11px; font-weight: 700; paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round; }
        .key { columns: 11em; column-gap: 18px; list-style: none; padding: 0; margin: 6px 0 14px; font-size: .82rem; } .key li { break-inside: avoid; overflow-wrap: anywhere; }
        .query { display: grid; grid-template-columns: 138px 1fr; gap: 6px 16px; padding: 12px 0; border-top: 1px solid var(--line); }
        .query img { display: block; width: 100%; height: auto; border-radius: 4px; } .asked { min-width: 0; overflow-wrap: anywhere; } .asked img { border: 3px solid var(--soft); } .asked span { font-size: .82rem; }
        .answers { display: grid; gap: 8px; min-width: 0; } .answer { min-width: 0; } .answer > span { font-size: .82rem; color: var(--soft); }
        .strip { display: grid; grid-template-columns: repeat(8, minmax(0, 92px)); gap: 5px; padding: 0; margin: 2px 0 0; list-style: none; } .strip li { min-width: 0; }
        .frame { display: block; position: relative; border: 3px solid var(--right); border-radius: 6px; } .miss .frame { border-color: var(--wrong); border-style: dashed; } .strip img { border-radius: 2px; }
        .frame b { position: absolute; right: 0; bottom: 0; background: var(--right); color: var(--card); font-size: .72rem; line-height: 1; padding: 2px 4px; border-radius: 4px 0 0 0; } .miss .frame b { background: var(--wrong); }
        .strip small, .captioned small { display: block; font-size: .68rem; line-height: 1.25; color: var(--soft); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
        .attacked { display: grid; grid-template-columns: 110px 110px minmax(0, 1fr); gap: 6px 10px; margin-top: 2px; } .captioned { min-width: 0; } .lists { min-width: 0; font-size: .76rem; }
        .gone { display: grid; place-items: center; aspect-ratio: 1; font-size: .7rem; color: var(--soft); background: var(--head); }
        details { margin: 10px 0; } summary { cursor: pointer; font-weight: 600; padding: 3px 0; } pre { overflow-x: auto; background: var(--head); padding: 12px; border-radius: 6px; font-size: .82rem; }
        .matrix td, .matrix th { padding: 2px 4px; font-size: .74rem; min-width: 1.9em; } .matrix th[scope=row] { position: sticky; left: 0; background: var(--card); } .matrix td { border: 1px solid var(--line); text-align: center; } .matrix td.diagonal { outline: 1px solid var(--soft); outline-offset: -1px; }
        .meter { background: linear-gradient(to right, rgb(var(--heat) / .22) var(--v), transparent var(--v)); }
        footer { padding-top: 4px; padding-bottom: 40px; }
        @media (max-width: 640px) { body { font-size: 14px; } header { padding-top: 18px; } section { padding: 14px 12px; border-radius: 8px; } th, td { padding: 5px 7px; } svg text { font-size: 13.5px; } svg text.name { font-size: 14px; }
          table { font-size: .86rem; } caption { max-width: calc(100vw - 58px); } tbody th[scope=row] { position: sticky; left: 0; background: var(--card); } th[scope=rowgroup] { white-space: normal; min-width: 4.5em; max-width: 7.5em; }
          .query { grid-template-columns: minmax(0, 1fr); } .asked { display: grid; grid-template-columns: 84px minmax(0, 1fr); gap: 10px; align-items: center; } .strip { grid-template-columns: repeat(4, minmax(0, 1fr)); }
          .attacked { grid-template-columns: repeat(2, minmax(0, 120px)); } .lists { grid-column: 1 / -1; } }
        @page { size: A4; margin: 14mm 12mm; }
        @page wide { size: A4 landscape; }
        @media print { :root { color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --head: #eee; --link: #000; --right: #15803d; --wrong: #c2261c; --heat: 31 95 191; --s0: #7a8699; --s1: #d9731a; --s2: #1f6fd6; --s3: #178a6b; --s4: #a545b3; --s5: #b59410; }
          * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } body { font-size: 9.5pt; } header, main, footer { max-width: none; padding: 0; } nav, .skip { display: none; }
          section { border: 0; padding: 8px 0; margin: 0 0 12px; } figure, tr, .answer, .tiles, .key { break-inside: avoid; } h2, h3, summary, caption, .asked { break-after: avoid; } thead { display: table-header-group; }
          .scroll { overflow: visible; } table { font-size: 8pt; } th, td { padding: 2px 5px; } pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 7.5pt; } .charts { grid-template-columns: 1fr 1fr; }
          .query { grid-template-columns: 84px minmax(0, 1fr); } .strip { grid-template-columns: repeat(8, minmax(0, 62px)); } .attacked { grid-template-columns: 76px 76px minmax(0, 1fr); }
          details::details-content { content-visibility: visible; height: auto; } .wide { page: wide; } .matrix td, .matrix th { font-size: 6.5pt; padding: 1px 2px; } .matrix th[scope=row] { position: static; } }
        """;
}
