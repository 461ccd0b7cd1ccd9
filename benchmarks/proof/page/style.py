"""Looks of the page: one style sheet for screen, phone, dark rooms and paper. The plots take their colours from it by name."""

_LIGHT = """
  --paper: #ffffff; --ink: #1d2127; --muted: #5b6470; --rule: #e2e5e9; --soft: #f5f6f8; --ours: #1f6fb2; --worse: #b54d18;
  --peer-0: #a86400; --peer-1: #007f5c; --peer-2: #a5478a; --peer-3: #b8421a; --peer-4: #69707c; --peer-5: #7d6e00; --peer-6: #7a4a2c;"""
_DARK = """
  --paper: #15181c; --ink: #e5e7ea; --muted: #9ba4af; --rule: #2d333b; --soft: #1d2126; --ours: #6fb1ea; --worse: #ee8d5c;
  --peer-0: #f0a63c; --peer-1: #35c296; --peer-2: #e08fc4; --peer-3: #f0785a; --peer-4: #a3abb6; --peer-5: #d6c53c; --peer-6: #c79b7b;"""

CSS = f"""
:root {{ color-scheme: light dark;{_LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{{_DARK} }} }}
@media print {{ :root {{{_LIGHT} }} }}
* {{ box-sizing: border-box; }}
html {{ -webkit-text-size-adjust: 100%; }}
body {{ margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }}
main {{ max-width: 66rem; margin: 0 auto; padding: 3rem 1.5rem 5rem; }}
p, li, dd {{ max-width: 46rem; overflow-wrap: anywhere; }}
p {{ margin: .6rem 0; }}
h1 {{ font-size: 1.8rem; line-height: 1.25; font-weight: 620; margin: .5rem 0 .9rem; text-wrap: balance; }}
h2 {{ font-size: 1.25rem; line-height: 1.3; font-weight: 620; margin: 0 0 .5rem; }}
h3 {{ font-size: 1.02rem; font-weight: 620; margin: 1.6rem 0 .2rem; overflow-wrap: anywhere; }}
section {{ border-top: 1px solid var(--rule); margin-top: 2.8rem; padding-top: 1.5rem; }}
.quiet, figcaption, small {{ color: var(--muted); font-size: .9rem; }}
nav {{ font-size: .9rem; margin-top: 1.2rem; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }}
a {{ color: var(--ours); }}
nav a {{ text-decoration: none; }}
.bad li {{ margin: .45rem 0; }}
.bad li::marker {{ color: var(--worse); }}
dl {{ margin: .8rem 0; }}
dt {{ font-weight: 620; float: left; clear: left; margin-right: .5rem; }}
dd {{ margin: 0 0 .45rem; }}
code {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: .85rem; overflow-wrap: anywhere; }}
.wide {{ overflow-x: auto; margin: .8rem 0; }}
table {{ border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }}
th {{ text-align: left; font-weight: 500; color: var(--muted); font-size: .82rem; vertical-align: bottom; }}
th, td {{ padding: .34rem 1.1rem .34rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; min-width: 3rem; }}
tr > :last-child {{ padding-right: 0; }}
td:first-child {{ white-space: nowrap; }}
.number {{ text-align: right; white-space: nowrap; }}
.mine {{ color: var(--ours); font-weight: 620; }}
.gone {{ color: var(--worse); }}
.results {{ font-size: .82rem; }}
.results :is(th, td) {{ padding-right: .8rem; }}
.results td:first-child {{ white-space: normal; }}
.results td:last-child {{ min-width: 12rem; }}
figure {{ margin: 1rem 0 1.6rem; }}
figcaption {{ line-height: 1.5; max-width: 48rem; margin: .2rem 0 .5rem; }}
svg {{ display: block; width: 100%; height: auto; overflow: visible; }}
svg text {{ font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }}
svg * {{ stroke-linejoin: round; }}
.pair {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 23rem), 1fr)); gap: .6rem 1.6rem; }}
.single {{ max-width: 32rem; }}
.pair > * {{ min-width: 0; }}
.key {{ display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; list-style: none; margin: .6rem 0; padding: .5rem 0; font-size: .84rem; background: var(--paper);
  border-bottom: 1px solid var(--rule); position: sticky; top: 0; z-index: 1; }}
.key li {{ display: flex; align-items: center; gap: .35rem; max-width: none; white-space: nowrap; }}
.key svg {{ width: 26px; height: 14px; flex: none; }}
.narrow-only {{ display: none; }}
details {{ margin: .6rem 0; }}
summary {{ cursor: pointer; color: var(--ours); font-size: .9rem; }}
@media (max-width: 45rem) {{
  main {{ padding: 1.4rem 1rem 3rem; }}
  h1 {{ font-size: 1.4rem; }}
  .wide-only {{ display: none; }}
  .narrow-only {{ display: block; }}
  .key {{ position: static; }}
  td:first-child {{ white-space: normal; overflow-wrap: anywhere; min-width: 10rem; }}
  svg text {{ font-size: 13px !important; }}
}}
@media print {{
  body {{ font-size: 10pt; }}
  main {{ padding: 0; max-width: none; }}
  .key {{ position: static; }}
  nav {{ display: none; }}
  figure, tr {{ break-inside: avoid; }}
  h2, h3 {{ break-after: avoid; }}
}}
"""
