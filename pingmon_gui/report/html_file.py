"""A report as one HTML file that needs nothing else: for a browser, a mail or a printer, by day and by night."""

from __future__ import annotations

from html import escape

from pingmon_gui.report.drawing import Drawing
from pingmon_gui.report.page import Block, Document, Figures, Heading, Key, Picture, Row, Table, Text
from pingmon_gui.report.svg import svg

# Plain colours, twice: mail programs know no variables.
_STYLE = """
* { box-sizing: border-box; }
body { font: 14px/1.45 system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif;
  color: #1b2027; background: #ffffff; max-width: 1000px; margin: 0 auto; padding: 32px 24px 48px; }
h1 { font-size: 27px; line-height: 1.2; margin: 0 0 2px; }
h2 { font-size: 19px; margin: 46px 0 2px; padding-top: 18px; border-top: 1px solid #dfe3e8; }
h3 { font-size: 14px; margin: 22px 0 6px; }
p { margin: 0 0 10px; overflow-wrap: anywhere; } .quiet, figcaption, th, footer, .note { color: #59626e; }
.quiet { font-size: 13px; } .warning { background: #fff4d6; border-left: 4px solid #d79a00; padding: 8px 12px; }
.figures { display: flex; flex-wrap: wrap; margin: 16px -6px 10px; }
.figure { flex: 1 1 140px; margin: 0 6px 12px; padding: 10px 14px; border: 1px solid #dfe3e8; border-radius: 8px; }
.name { font-size: 12px; color: #59626e; } .value { font-size: 21px; font-weight: 600; white-space: nowrap; }
.note { font-size: 12px; min-height: 17px; overflow-wrap: anywhere; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; margin: 6px 0 14px; }
td, th { padding: 5px 10px 5px 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid #e8ebef; }
th { font-size: 12px; font-weight: normal; border-bottom-color: #c9cfd7; vertical-align: bottom; }
td:last-child, th:last-child { padding-right: 0; } .number { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; } .short { white-space: nowrap; } tr.total td { font-weight: 600; }
td svg { vertical-align: middle; } figure { margin: 16px 0; } figcaption { font-size: 12px; margin-bottom: 5px; }
figure svg { display: block; } svg text { font-size: 9px; fill: #59626e; }
.key { font-size: 12px; color: #59626e; } .key span { display: inline-block; margin-right: 16px; }
.key i { display: inline-block; width: 11px; height: 11px; margin-right: 6px; vertical-align: -1px; }
.good { fill: #3f9d5b; background: #3f9d5b; } .bad { fill: #c62828; background: #c62828; }
.regional { fill: #d79a00; background: #d79a00; } .unknown { fill: #aab2bd; background: #aab2bd; }
.rested { fill: #e4e8ec; background: #e4e8ec; } .band { fill: #1f5fd6; fill-opacity: 0.16; }
.line { fill: none; } .median { stroke: #1f5fd6; stroke-width: 1.4; } .tail { stroke: #7c96c4; stroke-width: 0.8; }
.grid { stroke: #e8ebef; stroke-width: 0.6; } footer { margin-top: 40px; font-size: 12px; }
"""
_NIGHT = """
@media screen and (prefers-color-scheme: dark) {
body { color: #e3e7ec; background: #14181d; } h2, .figure { border-color: #303842; }
td { border-bottom-color: #262d35; } th { border-bottom-color: #46505c; }
.quiet, figcaption, th, footer, .note, .name, .key { color: #9aa5b1; } svg text { fill: #9aa5b1; }
.warning { background: #3a2f10; } .unknown { fill: #6b7683; background: #6b7683; }
.rested { fill: #2a323b; background: #2a323b; } .bad { fill: #ef6b66; background: #ef6b66; }
.regional { fill: #e3b341; background: #e3b341; } .good { fill: #4fb06c; background: #4fb06c; }
.band { fill: #6ea0ff; fill-opacity: 0.2; } .median { stroke: #6ea0ff; } .tail { stroke: #5b76a8; }
.grid { stroke: #262d35; } }
"""
_PRINT = """
@page { size: A4; margin: 16mm 14mm 18mm; @bottom-right { content: counter(page) " / " counter(pages);
  font: 8pt sans-serif; color: #59626e; } }
@media print { body { max-width: none; padding: 0; font-size: 9.5pt; } * { print-color-adjust: exact;
  -webkit-print-color-adjust: exact; } h2, h3 { break-after: avoid; } tr, figure, .figures { break-inside: avoid; }
  thead { display: table-header-group; } .wide { overflow: visible; } .value { font-size: 11.5pt; }
  h2 { margin-top: 26px; }
  .figures { flex-wrap: nowrap; margin: 12px -3px 6px; } .figure { flex: 1 1 0; margin: 0 3px; padding: 6px 8px; }
  .name, .note { font-size: 7.5pt; } td, th { padding: 3px 8px 3px 0; } }
"""


def write_html(document: Document) -> str:
    """Return the file's text; every text from outside is escaped."""
    sections = (
        f"<section>{''.join(_block(block) for block in section.blocks)}</section>" for section in document.sections
    )
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark"><meta name="generator" content="Pingmon">',
            f"<title>{escape(document.title)}, {escape(document.subtitle)}</title>",
            f"<style>{_STYLE}{_NIGHT}{_PRINT}</style></head><body>",
            *sections,
            f"<footer>{escape(document.imprint)}</footer></body></html>",
        )
    )


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Text(text, is_quiet, is_warning):
            kind = "warning" if is_warning else "quiet" if is_quiet else ""
            return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"
        case Figures(figures):
            cells = (
                f'<div class="figure"><div class="name">{escape(one.name)}</div><div class="value">{escape(one.value)}'
                f'</div><div class="note">{escape(one.note)}</div></div>'
                for one in figures
            )
            return f'<div class="figures">{"".join(cells)}</div>'
        case Table():
            return _table(block)
        case Picture(drawing, caption):
            return f"<figure><figcaption>{escape(caption)}</figcaption>{svg(drawing, is_fluid=True)}</figure>"
        case Key(entries):
            spans = (f'<span><i class="{ink}"></i>{escape(words)}</span>' for ink, words in entries)
            return f'<p class="key">{"".join(spans)}</p>'


def _table(table: Table) -> str:
    kinds = ["number" if column.is_number else "" if column.weight else "short" for column in table.columns]
    heads = "".join(
        f'<th scope="col"{_class(kind)}>{escape(column.title)}</th>'
        for column, kind in zip(table.columns, kinds, strict=True)
    )
    rows = "".join(_row(row, kinds) for row in table.rows)
    label = escape(table.name, quote=True)
    head, body = f"<thead><tr>{heads}</tr></thead>", f"<tbody>{rows}</tbody>"
    return f'<div class="wide"><table aria-label="{label}">{head}{body}</table></div>'


def _row(row: Row, kinds: list[str]) -> str:
    cells = "".join(f"<td{_class(kind)}>{_cell(cell)}</td>" for cell, kind in zip(row.cells, kinds, strict=True))
    return f'<tr class="total">{cells}</tr>' if row.is_total else f"<tr>{cells}</tr>"


def _cell(cell: str | Drawing) -> str:
    return escape(cell) if isinstance(cell, str) else svg(cell, is_fluid=False)


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
