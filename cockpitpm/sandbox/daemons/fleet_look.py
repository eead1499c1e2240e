"""The look of the deployer's pages: that of the Cockpit, so that the two surfaces of one machine are one."""

from cockpitpm.sandbox.daemons.server import Sheet

STYLE = Sheet("""\
:root{color-scheme:light dark;--page:#F6F7F8;--surface:#FFF;--line:#E2E5E9;--ink:#161A1F;--ink2:#46505B;--ink3:#5F6873;
--accent:#1D55B8;--ok:#17703F;--warn:#855200;--bad:#B0261C;--shadow:0 1px 2px rgb(22 26 31/.04),0 0 0 1px rgb(22 26 31/.055);
--sans:Inter,ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
--mono:ui-monospace,SFMono-Regular,"SF Mono","Cascadia Mono",Menlo,Consolas,monospace}
@media (prefers-color-scheme:dark){:root{--page:#101317;--surface:#181C22;--line:#2A3038;--ink:#E8EBEE;--ink2:#B1BAC4;
--ink3:#929CA8;--accent:#8FB7FF;--ok:#6CCB97;--warn:#EDB95E;--bad:#FF9287;--shadow:0 0 0 1px rgb(255 255 255/.06)}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:72px}
body{margin:0;background:var(--page);color:var(--ink);font:400 .9375rem/1.5 var(--sans);-webkit-font-smoothing:antialiased}
a{color:var(--accent);text-decoration-thickness:1px;text-underline-offset:3px}
code{font-family:var(--mono);font-size:.8125rem;overflow-wrap:anywhere}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:6px}
.skip{position:absolute;left:16px;top:-60px;background:var(--surface);padding:10px 16px;border-radius:8px;z-index:9}
.skip:focus{top:10px}
.sprite{display:none}
.i{width:16px;height:16px;flex:none;fill:none;stroke:currentColor;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}
.wrap{max-width:1184px;margin:0 auto;padding:0 32px}
.top{background:var(--surface);border-bottom:1px solid var(--line);position:sticky;top:0;z-index:5}
.top .wrap{display:flex;align-items:center;gap:28px;min-height:56px}
.brand{display:flex;align-items:center;gap:10px;min-height:40px;color:inherit;text-decoration:none;font-weight:600}
.brand svg{width:22px;height:22px;color:var(--accent);fill:none;stroke:currentColor;stroke-width:1.8;stroke-linecap:round}
.nav{display:flex;gap:2px;align-self:stretch}
.nav a{display:flex;align-items:center;gap:6px;padding:0 12px;color:var(--ink2);text-decoration:none;font-size:.875rem;
font-weight:500;border-bottom:2px solid transparent;border-top:2px solid transparent}
.nav a:hover{color:var(--ink)}
.nav a[aria-current]{color:var(--ink);border-bottom-color:var(--accent)}
.nav .i{width:14px;height:14px;color:var(--ink3)}
.right{margin-left:auto;font-size:.8125rem;color:var(--ink3)}
main.wrap{padding-top:36px;padding-bottom:72px}
h1{font-size:1.625rem;line-height:1.25;font-weight:600;letter-spacing:-.02em;margin:0}
h2{font-size:1.0625rem;font-weight:600;letter-spacing:-.01em;margin:0 0 12px}
h3{font-size:.9375rem;font-weight:600;margin:0}
.lede{margin:8px 0 0;font-size:1rem;color:var(--ink2);max-width:88ch}
.note,.none{margin:12px 0 0;font-size:.8125rem;color:var(--ink3);max-width:88ch}
section{margin-top:40px}
.list,.box{list-style:none;margin:0;padding:0;background:var(--surface);border-radius:12px;box-shadow:var(--shadow)}
.box{padding:8px 18px}
.box.pad{padding:16px 18px}.pad .st{margin:0}
.tiles{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,260px),1fr));gap:16px}
.tiles li{background:var(--surface);border-radius:12px;box-shadow:var(--shadow);padding:16px 18px;min-width:0}
.st{display:flex;align-items:center;gap:8px;margin:8px 0 0;font-size:.875rem;font-weight:500}
.tiles p{margin:4px 0 0;font-size:.8125rem;color:var(--ink3);overflow-wrap:anywhere}
.tiles p.st{margin-top:8px;font-size:.875rem}
.tiles .ok,.ok{color:var(--ok)}.tiles .bad,.bad{color:var(--bad)}.tiles .mute,.mute{color:var(--ink3)}
table{width:100%;border-collapse:collapse;table-layout:fixed;font-size:.8125rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:10px 16px 10px 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{font-weight:500;color:var(--ink3)}
tbody th{font-weight:500}
th:first-child{width:40%}
tbody tr:last-child>*{border-bottom:0}
td .st{margin:0;font-size:.8125rem;font-weight:400}
.list li+li{border-top:1px solid var(--line)}
.list a{display:flex;align-items:center;gap:8px;min-height:52px;padding:8px 18px;text-decoration:none}
.list a:hover{text-decoration:underline}
.list .i{width:14px;height:14px;color:var(--ink3)}
@media (max-width:719px){
body{font-size:1rem}
.wrap{padding:0 16px}
.top{position:static}
.top .wrap{flex-wrap:wrap;gap:0 12px;padding-top:10px}
.nav{order:3;width:calc(100% + 32px);margin:8px -16px 0;padding:0 8px;border-top:1px solid var(--line)}
.nav a{min-height:44px;padding:0 10px}
main.wrap{padding-top:24px;padding-bottom:48px}
section{margin-top:32px}
.box{padding:4px 16px}
}
@media (forced-colors:active){.list,.box,.tiles li{border:1px solid}.nav a[aria-current]{border-bottom-color:Highlight}}
""")  # noqa: E501

SPRITE = """\
<svg class="sprite" aria-hidden="true"><defs>
<symbol id="ok" viewBox="0 0 16 16"><path d="m3 8.6 3.3 3.3L13 5"/></symbol>
<symbol id="bad" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.2"/><path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4"/></symbol>
<symbol id="mute" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.2" stroke-dasharray="2.4 2.6"/></symbol>
<symbol id="out" viewBox="0 0 16 16"><path d="M6 4h6v6M12 4 4.4 11.6"/></symbol>
</defs></svg>
"""
BRAND = '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="6" cy="7" r="3"/><circle cx="18" cy="7" r="3"/><circle cx="12" cy="18" r="3"/><path d="M9 7h6M7.4 9.6l3 5.8M16.6 9.6l-3 5.8"/></svg>'  # noqa: E501
