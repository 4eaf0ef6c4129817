"""The page's style sheet."""

CSS = """
:root { --ink:#1d2430; --soft:#5b6472; --line:#dfe3e8; --wash:#f6f7f9;
  --blue:#0a5c96; --bad:#a63603; }
* { box-sizing:border-box }
html { -webkit-text-size-adjust:100%; scroll-behavior:smooth }
body { margin:0; background:#fff; color:var(--ink); line-height:1.5;
  font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,
  "Liberation Sans",sans-serif }
main { max-width:63rem; margin:0 auto; padding:2.5rem 1.5rem 4rem }
h1 { font-size:2rem; line-height:1.2; margin:0 0 .6rem; letter-spacing:-.015em;
  overflow-wrap:anywhere }
h2 { font-size:1.3rem; line-height:1.3; margin:0 0 .8rem; letter-spacing:-.01em }
p { max-width:46rem; margin:.4rem 0 1rem }
.lead { font-size:1.1rem; overflow-wrap:anywhere }
section { margin-top:3.2rem; padding-top:1.6rem; border-top:1px solid var(--line) }
nav { margin:1.4rem 0 0; font-size:.88rem; display:flex; flex-wrap:wrap;
  gap:.3rem 1.1rem }
a { color:var(--blue); text-decoration:none }
a:hover { text-decoration:underline }
.tiles { display:flex; flex-wrap:wrap; gap:.7rem; margin:1.5rem 0 1.3rem; padding:0;
  list-style:none }
.tiles li { flex:1 1 7rem; padding:.7rem .9rem; background:var(--wash);
  border-radius:8px; font-size:.84rem; color:var(--soft); line-height:1.35 }
.tiles b { display:block; font-size:1.55rem; line-height:1.25; color:var(--ink);
  font-weight:600; font-variant-numeric:tabular-nums }
.tiles .bad b { color:var(--bad) }
figure { margin:1.4rem 0 2.2rem }
.plot { overflow-x:auto }
.plot svg { display:block; max-width:100%; height:auto }
.plot svg * { stroke-linejoin:round; stroke-linecap:butt }
figcaption { max-width:50rem; margin-top:.7rem; font-size:.86rem; color:var(--soft);
  overflow-wrap:anywhere }
figcaption b { color:var(--ink) }
.files { white-space:nowrap }
.files a { margin-left:.35rem }
.scroll { overflow:auto; max-width:100%; margin:1rem 0 }
.tall table { font-size:.81rem }
.tall th,.tall td { padding:.32rem .6rem }
.tall { max-height:34rem; border:1px solid var(--line); border-radius:8px }
table { border-collapse:separate; border-spacing:0; font-size:.86rem; min-width:100%;
  font-variant-numeric:tabular-nums }
th,td { padding:.36rem .8rem; text-align:left; white-space:nowrap;
  border-bottom:1px solid var(--line); vertical-align:top }
th { font-weight:600; color:var(--soft); background:#fff }
thead th { position:sticky; top:0; z-index:1; border-bottom:1.5px solid var(--soft) }
.n { text-align:right }
.counts th { white-space:normal; vertical-align:bottom }
.counts th,.counts td { padding-left:.5rem; padding-right:.5rem }
.counts td:first-child { white-space:normal; min-width:14.5rem; overflow-wrap:anywhere }
tbody tr:hover td { background:var(--wash) }
tr.sum td { font-weight:600; border-bottom:0; border-top:1.5px solid var(--soft) }
td.wrap { white-space:normal; overflow-wrap:anywhere; min-width:14rem }
.bad,.status-unconverged,.status-diverged { color:var(--bad) }
.status-diverged { font-weight:600 }
.status-stopped { color:var(--soft) }
.note { font-size:.84rem; color:var(--soft) }
.claims td { white-space:normal; min-width:5.5rem }
.claims td,.claims th { padding-left:.5rem; padding-right:.5rem }
.claims td:first-child { min-width:16rem }
.claims td:nth-child(2) { min-width:13rem }
.claims .n,.claims td:last-child { min-width:0; white-space:nowrap }
.claims .note { display:block; margin-top:.15rem; font-size:.8rem }
.unit { color:var(--soft) }
.verdict { white-space:nowrap; font-weight:600; padding:.1rem .5rem;
  border-radius:1rem; border:1.5px solid }
.verdict.holds { color:#0a5c96; background:#e8f2fa }
.verdict.fails { color:#a63603; background:#fdf0e6 }
.verdict.open { color:#5b6472; background:var(--wash); border-style:dashed }
.nil { color:#9aa2ae }
.chip { display:inline-block; width:.68em; height:.68em; border-radius:50%;
  margin-right:.5em }
code,pre,.mono { font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,
  "Liberation Mono",monospace; font-size:.92em }
td .mono { font-size:.94em }
pre { margin:1rem 0; padding:.9rem 1.1rem; background:var(--wash); border-radius:8px;
  overflow:auto; font-size:.82rem; line-height:1.55; max-height:34rem }
h3 { font-size:1rem; margin:1.8rem 0 .4rem }
@media (max-width:640px) {
  main { padding:1.4rem 1rem 3rem }
  h1 { font-size:1.55rem }
  section { margin-top:2.2rem }
  .tiles li { flex-basis:40% }
  th,td { padding:.34rem .55rem }
  .counts td:first-child { min-width:9rem }
}
@media print {
  main { max-width:none; padding:0 }
  nav,.files { display:none }
  .tall,pre { max-height:none; border:0 }
  .plot,.scroll { overflow:visible }
  .plot svg { min-width:0 !important }
  thead th { position:static }
  figure,tr { break-inside:avoid }
  h2,h3 { break-after:avoid }
  body { font-size:11pt }
}
"""
