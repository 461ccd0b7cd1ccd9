"""Looks and behaviour of the report: one style sheet for screen, phone, dark rooms and paper, and the few lines of script that draw the figures."""

CSS = """
:root { color-scheme: light dark;
  --paper: #ffffff; --ink: #1d2127; --muted: #5b6470; --rule: #e2e5e9; --soft: #f5f6f8;
  --accent: #1f6fb2; --warning: #b54d18; --grid: #eceef1; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #15181c; --ink: #e5e7ea; --muted: #9ba4af; --rule: #2d333b; --soft: #1d2126; --accent: #6fb1ea; --warning: #ee8d5c; --grid: #262b32; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 3.5rem 1.5rem 5rem; }
p, li, .doubts { max-width: 44rem; }
p { margin: .6rem 0; }
h1 { font-size: 1.8rem; line-height: 1.25; font-weight: 620; max-width: 46rem; text-wrap: balance; overflow-wrap: anywhere;
  letter-spacing: -.012em; margin: .5rem 0 .9rem; }
h2 { font-size: 1.2rem; line-height: 1.3; font-weight: 620; margin: 0 0 .5rem; }
h3 { font-size: 1rem; font-weight: 620; margin: 2rem 0 .4rem; }
section { border-top: 1px solid var(--rule); margin-top: 3rem; padding-top: 1.6rem; }
.eyebrow { color: var(--muted); font-size: .9rem; margin: 0; overflow-wrap: anywhere; }
.outcome { color: var(--accent); font-weight: 620; }
.lead { font-size: 1.05rem; }
p.quiet { font-size: .9rem; }
.quiet, figcaption, .findings small { color: var(--muted); }
a { color: var(--accent); }
nav { font-size: .9rem; margin-top: 1.6rem; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
.wide { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; font-size: .93rem; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; color: var(--muted); font-size: .85rem; vertical-align: bottom; }
th, td { padding: .42rem 1.4rem .42rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
tr > :last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; }

.plan { width: 100%; }
.plan td:nth-child(2) { font-weight: 620; white-space: nowrap; font-size: 1rem; }
.ledger tbody tr:last-child td { font-weight: 620; }
.results td:first-child { font-weight: 500; }
.ladder b { font-weight: 620; }
.ladder td:first-child { min-width: 0; padding-right: .7rem; }
.sizes th { white-space: normal; }
.sizes th, .sizes td { padding-right: 1rem; }
.sizes b { font-weight: 620; }
.sign { font-size: 1.05rem; line-height: 1; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: .82rem; }
td code { color: var(--muted); display: block; font-size: .76rem; }
pre { border-radius: 6px; padding: 1rem 1.1rem; overflow: auto; max-height: 26rem; line-height: 1.5; margin: .6rem 0; background:
  linear-gradient(var(--soft) 40%, transparent) local, linear-gradient(transparent, var(--soft) 60%) 0 100% local,
  linear-gradient(var(--rule), transparent), linear-gradient(transparent, var(--rule)) 0 100%, var(--soft);
  background-repeat: no-repeat; background-size: 100% 2.4rem, 100% 2.4rem, 100% .7rem, 100% .7rem, auto; }
.code { position: relative; }
.code button { position: absolute; top: .55rem; right: .7rem; border: 0; padding: .15rem .4rem; cursor: pointer;
  font: inherit; font-size: .8rem; color: var(--accent); background: var(--soft); }
figure { margin: 1.3rem 0 1.6rem; }
figcaption { font-size: .88rem; line-height: 1.5; max-width: 46rem; margin-top: .3rem; }
figcaption b { color: var(--ink); font-weight: 620; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: .4rem 1.4rem; }
.pair.uneven { grid-template-columns: minmax(0, 5fr) minmax(0, 3fr); }
.plot { min-width: 0; }
.findings { padding-left: 1.1rem; margin: .8rem 0; }
.findings li { margin: .5rem 0; overflow-wrap: anywhere; }
.findings b { font-weight: 620; }
.word { color: var(--muted); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 0 2.5rem; align-items: start; }
details { margin: .6rem 0; font-size: .93rem; }
summary { cursor: pointer; color: var(--accent); font-size: .88rem; }
td { overflow-wrap: break-word; min-width: 3.2rem; }
footer { margin-top: 4rem; color: var(--muted); font-size: .85rem; }
.plot .xtick text, .plot .ytick text, .plot .x2tick text, .plot .y2tick text, .plot .xtitle, .plot .ytitle, .plot .legendtext { fill: var(--muted) !important; }
.plot .annotation-text { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
.plot .annotation-text[style*="rgb(138, 143, 152)"] { fill: var(--muted) !important; }
.plot .annotation-text[style*="rgb(47, 127, 193)"] { fill: var(--accent) !important; }
.plot .annotation-text[style*="rgb(211, 98, 42)"] { fill: var(--warning) !important; }
.plot .xgrid, .plot .ygrid, .plot .y2grid { stroke: var(--grid) !important; }
.plot path.xtick, .plot path.ytick, .plot path.x2tick, .plot path.y2tick { stroke: var(--rule) !important; }
@media (max-width: 40rem) {
  main { padding: 1.6rem 1rem 3rem; }
  h1 { font-size: 1.4rem; }
  section { margin-top: 2.2rem; padding-top: 1.2rem; }
  .pair.uneven { grid-template-columns: minmax(0, 1fr); }
  th, td { padding-right: 1rem; }
  .plan thead { display: none; }
  .plan, .plan tbody, .plan tr { display: block; }
  .plan tr { border-bottom: 1px solid var(--rule); padding: .5rem 0; display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; }
  .plan td { border: 0; padding: .05rem 0; display: block; }
  .plan td:nth-child(2) { text-align: right; }
  .plan td:nth-child(n+3) { grid-column: 1 / -1; font-size: .87rem; color: var(--muted); }
  .plan td:nth-child(n+3)::before { content: attr(data-label) ": "; }
}
@media print {
  :root { --paper: #ffffff; --ink: #1d2127; --muted: #4a525c; --rule: #d5d9de; --soft: #f5f6f8; --accent: #1f6fb2; --warning: #b54d18; --grid: #e8eaed; }
  @page { margin: 1.6cm; }
  body { font-size: 10.5pt; }
  main { padding: 0; max-width: none; }
  nav, .code button { display: none; }
  pre { max-height: none; white-space: pre-wrap; font-size: 7.5pt; }
  figure, tr, .findings li { break-inside: avoid; }
  h2, h3, h2 + p { break-after: avoid; }
  section { margin-top: 1.6rem; padding-top: 1rem; }
}
"""

SCRIPT = """
(function () {
  var figures = JSON.parse(document.getElementById('figures').textContent);
  var places = figures.map(function (figure, index) { return document.getElementById('plot-' + index); });
  var quiet = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };
  figures.forEach(function (figure, index) { Plotly.newPlot(places[index], figure.data, figure.layout, quiet); });
  var closed = [];
  window.addEventListener('beforeprint', function () {
    closed = Array.prototype.filter.call(document.querySelectorAll('details'), function (one) { return !one.open; });
    closed.forEach(function (one) { one.open = true; });
    places.forEach(function (place) { Plotly.relayout(place, { width: Number(place.dataset.paper), height: place.clientHeight }); });
  });
  window.addEventListener('afterprint', function () {
    closed.forEach(function (one) { one.open = false; });
    places.forEach(function (place) { Plotly.relayout(place, { autosize: true, width: null }); });
  });
  Array.prototype.forEach.call(document.querySelectorAll('.code'), function (box) {
    if (!navigator.clipboard) { return; }
    var button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Copy';
    button.addEventListener('click', function () {
      navigator.clipboard.writeText(box.querySelector('pre').textContent).then(function () { button.textContent = 'Copied'; });
    });
    box.appendChild(button);
  });
})();
"""
