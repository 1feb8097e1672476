"""The graph as SVG: plain text elements, colours that carry their own background, so that light and dark pages do."""

from html import escape

from scripts.specs.graph.layout import ARC, EDGE, Box, Layout
from scripts.specs.graph.model import Graph, Link, Node

FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
GREY = "#848d97"  # for what has no box of its own: legible on white and on black
# kind -> fill, line and arrow, text
COLOURS = {
    "data": ("#cfe3ff", "#3b82f6", "#0b2a5b"),
    "job": ("#e4dcff", "#8b5cf6", "#2e1065"),
    "component": ("#c9f2d8", "#22a35a", "#08351c"),
    "environment": ("#ffe8ad", "#d99a06", "#4a3203"),
    "endpoint": ("#ffd6e7", "#db4b8a", "#500724"),
    "schedule": ("#c5f1ee", "#139c93", "#04302d"),
}
PLURAL = {"data": "data", "job": "pipelines and jobs", "component": "components", "environment": "environments"}
LEGEND = 34  # height, px


def svg(graph: Graph, layout: Layout) -> str:
    """The picture; the same graph gives the same bytes."""
    width, height = round(layout.width), round(layout.height) + LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" font-family="{FONT}" font-size="13">',
        "<title>What refers to what: data, pipelines with their jobs, endpoints, components, environments</title>",
        _markers(),
        *(_panel(graph.panels[key], layout.boxes[key], key) for key in sorted(graph.panels)),
        *(_arrow(graph, layout, link) for link in sorted(graph.links)),
        *(_node(node, layout.boxes[key]) for key, node in sorted(graph.nodes.items())),
        *_legend(graph, height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _markers() -> str:
    shape = 'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"'
    arrows = (
        f'<marker id="to-{kind}" {shape}><path d="M0,0.8 L7.5,4 L0,7.2 z" fill="{line}"/></marker>'
        for kind, (_, line, _) in COLOURS.items()
    )
    return f"<defs>{''.join(arrows)}</defs>"


def _panel(node: Node, box: Box, key: str) -> str:
    line = COLOURS[node.kind][1]
    return (
        f'<g id="{escape(node.key)}" data-panel="{escape(key)}"><rect {_frame(box)} rx="10" fill="{line}"'
        f' fill-opacity="0.1" stroke="{line}" stroke-opacity="0.7"/>'
        f'<text x="{_n(box.x + 12)}" y="{_n(box.y + 22)}" fill="{line}" font-weight="600">{escape(node.label)}</text>'
        f'<text x="{_n(box.right - 12)}" y="{_n(box.y + 22)}" fill="{GREY}" font-size="11" text-anchor="end">'
        f"{escape(node.caption)}</text></g>"
    )


def _node(node: Node, box: Box) -> str:
    fill, line, text = COLOURS[node.kind]
    dash = ' stroke-dasharray="4 3"' if node.foreign else ""
    x = _n(box.x + box.width / 2)
    return (
        f'<g id="{escape(node.key)}"><rect {_frame(box)} rx="7" fill="{fill}" stroke="{line}"{dash}/>'
        f'<text x="{x}" y="{_n(box.y + 17)}" fill="{text}" font-weight="600" text-anchor="middle">{escape(node.label)}'
        f'</text><text x="{x}" y="{_n(box.y + 31)}" fill="{text}" font-size="11" text-anchor="middle">'
        f"{escape(node.caption)}</text></g>"
    )


def _arrow(graph: Graph, layout: Layout, link: Link) -> str:
    source, target = layout.boxes[link.source], layout.boxes[link.target]
    kind = _kind(graph, link)
    line = COLOURS[kind][1]
    return (
        f'<path data-from="{escape(link.source)}" data-to="{escape(link.target)}" d="{_path(source, target)}"'
        f' fill="none" stroke="{line}" stroke-width="1.6" stroke-opacity="0.75" marker-end="url(#to-{kind})">'
        f"<title>{escape(link.says)}</title></path>"
    )


def _kind(graph: Graph, link: Link) -> str:
    """Kind that colours an arrow: of data, wherever it flows; else of what is used."""
    kinds = [(graph.nodes.get(end) or graph.panels[end]).kind for end in (link.source, link.target)]
    return "data" if "data" in kinds else kinds[1]


def _path(source: Box, target: Box) -> str:
    """From the facing side of one box to that of the other; in the same column down, or in an arc at the left."""
    if source.x == target.x and 0 < target.y - (source.y + source.height) < ARC:
        x = _n(source.x + source.width / 2)
        return f"M{x},{_n(source.y + source.height)} L{x},{_n(target.y)}"
    if source.right <= target.x:
        start, end, bend = source.right, target.x, (source.right + target.x) / 2
    elif target.right <= source.x:
        start, end, bend = source.x, target.right, (source.x + target.right) / 2
    else:
        start, end, bend = source.x, target.x, min(source.x, target.x) - ARC
    first, last = _n(source.middle), _n(target.middle)
    return f"M{_n(start)},{first} C{_n(bend)},{first} {_n(bend)},{last} {_n(end)},{last}"


def _legend(graph: Graph, height: float) -> list[str]:
    """A chip for each kind that the picture has."""
    present = {node.kind for node in [*graph.nodes.values(), *graph.panels.values()]}
    x, y, chips = float(EDGE), height - 18, []
    for kind, (fill, line, _) in COLOURS.items():
        if kind in present:
            label = PLURAL.get(kind, f"{kind}s")
            chips.append(f'<rect x="{_n(x)}" y="{y - 9}" width="14" height="12" rx="3" fill="{fill}" stroke="{line}"/>')
            chips.append(f'<text x="{_n(x + 20)}" y="{y + 1}" fill="{GREY}" font-size="12">{label}</text>')
            x += 20 + 6.6 * len(label) + 22
    if any(node.foreign for node in graph.nodes.values()):
        line = COLOURS["data"][1]
        chips.append(
            f'<rect x="{_n(x)}" y="{y - 9}" width="14" height="12" rx="3" fill="none" stroke="{line}"'
            f' stroke-dasharray="3 2"/><text x="{_n(x + 20)}" y="{y + 1}" fill="{GREY}" font-size="12">'
            "registered or landed at run time</text>"
        )
    return chips


def _frame(box: Box) -> str:
    return f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'


def _n(value: float) -> str:
    """A number with one decimal at most: the same on every machine."""
    return f"{value:.1f}".removesuffix(".0")
