"""Where everything goes: columns by longest path, what lies in one by the mean height of its neighbours."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from scripts.specs.graph.model import Graph, Node

# All in px.
ROW, GAP, PANEL_GAP, COLUMN_GAP, EDGE = 38, 12, 26, 58, 12
TITLE = 34  # of a panel
RUNS = "runs"  # the column of what can be run: pipelines with their jobs, endpoints with deployments, schedules
ARC = 24  # at the left in a panel, for arrows that pass over rows
CHARACTER, MARGIN, NARROWEST = 7.4, 26, 104  # mean width of a letter of a label; around labels; width of a box


@dataclass
class Box:
    """Upper left corner and size of a node or panel."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def right(self) -> float:
        return self.x + self.width


@dataclass
class Layout:
    """Boxes by key of node or panel, and the size of the picture."""

    boxes: dict[str, Box] = field(default_factory=dict)
    width: float = 0
    height: float = 0


def layout(graph: Graph) -> Layout:
    """Places every node and panel of `graph`; equal graphs give equal layouts."""
    placed, columns, x = Layout(), _columns(graph), float(EDGE)
    places: dict[str, tuple[float, float]] = {}
    for heading, items in columns.items():
        places[heading] = x, max((_width(graph, item) for item in items), default=NARROWEST)
        x += places[heading][1] + COLUMN_GAP
    runs = list(columns).index(RUNS)
    _stack(graph, placed, places[RUNS], _runs(graph, columns[RUNS]), PANEL_GAP)
    for heading in [*list(columns)[runs + 1 :], *reversed(list(columns)[:runs])]:
        wanted = {item: _middle_of_neighbours(graph, placed, item) for item in columns[heading]}
        _stack(graph, placed, places[heading], sorted(wanted, key=lambda item: (wanted[item], item)), GAP)
    placed.width = x - COLUMN_GAP + EDGE
    placed.height = max((box.y + box.height for box in placed.boxes.values()), default=EDGE) + EDGE
    return placed


def _columns(graph: Graph) -> dict[str, list[str]]:
    """Heading -> keys, from left to right. Of components, those that others are made of stand further right."""
    loose = {key: node for key, node in graph.nodes.items() if node.panel is None}
    components = [key for key, node in loose.items() if node.kind == "component"]
    used = {
        (link.target, link.source) for link in graph.links if link.source in components and link.target in components
    }
    depth = ranks(components, used)
    columns = {"data": [key for key, node in loose.items() if node.kind == "data"]}
    columns[RUNS] = [*graph.panels, *(key for key, node in loose.items() if node.kind == "schedule")]
    for level in sorted(set(depth.values()), reverse=True):
        columns[f"components/{level}"] = [key for key in components if depth[key] == level]
    columns["environments"] = [key for key, node in loose.items() if node.kind == "environment"]
    return {heading: sorted(keys) for heading, keys in columns.items() if keys or heading == RUNS}


def ranks(keys: Iterable[str], links: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Length of the longest path to each key over `links`, pairs of (before, after); all 0 if these make a circle."""
    needs: dict[str, set[str]] = {key: set() for key in keys}
    for before, after in links:
        if before != after and before in needs and after in needs:
            needs[after].add(before)
    rank = dict.fromkeys(needs, 0)
    try:
        for key in TopologicalSorter(needs).static_order():
            rank[key] = max((rank[before] + 1 for before in needs[key]), default=0)
    except CycleError:
        return dict.fromkeys(needs, 0)
    return rank


def _order(keys: Iterable[str], links: Iterable[tuple[str, str]]) -> list[str]:
    rank = ranks(keys, links)
    return sorted(rank, key=lambda key: (rank[key], key))


def _runs(graph: Graph, keys: list[str]) -> list[str]:
    """Pipelines as data flows from one to the next, then endpoints, then schedules."""
    kinds = {key: (graph.panels.get(key) or graph.nodes[key]).kind for key in keys}
    return sorted(_order(keys, _panel_links(graph)), key=lambda key: ("job", "endpoint", "schedule").index(kinds[key]))


def _panel_links(graph: Graph) -> set[tuple[str, str]]:
    """Which panel comes before which: it writes the data that the other reads; schedules come after what they start."""

    def home(key: str) -> str:
        return graph.nodes[key].panel or key if key in graph.nodes else key

    pairs = {(home(link.target), home(link.source)) for link in graph.links if link.target in graph.panels}
    writers = {(link.target, home(link.source)) for link in graph.links}
    return pairs | {
        (writer, home(link.target)) for link in graph.links for data, writer in writers if data == link.source
    }


def rows_of(graph: Graph, panel: str) -> list[str]:
    """Rows of a panel, in the order that data flows."""
    rows = [key for key, node in graph.nodes.items() if node.panel == panel]
    return _order(rows, ((link.source, link.target) for link in graph.links))


def _width(graph: Graph, item: str) -> float:
    if item in graph.panels:
        inside = [_label_width(node) for node in graph.nodes.values() if node.panel == item]
        panel = graph.panels[item]
        title = MARGIN + CHARACTER * (len(panel.label) + 1 + 0.85 * len(panel.caption))
        return max([*(width + ARC + GAP for width in inside), title])
    return _label_width(graph.nodes[item])


def _label_width(node: Node) -> float:
    return max(NARROWEST, MARGIN + CHARACTER * max(len(node.label), 0.85 * len(node.caption)))


def _height(graph: Graph, item: str) -> float:
    rows = len(rows_of(graph, item)) if item in graph.panels else 0
    return TITLE + rows * (ROW + GAP) if item in graph.panels else ROW


def _middle_of_neighbours(graph: Graph, placed: Layout, item: str) -> float:
    """Mean height of what `item` is linked to and has its place already."""
    ends = [(link.source, link.target) for link in graph.links if item in (link.source, link.target)]
    others = sorted({end for pair in ends for end in pair} & placed.boxes.keys())
    return sum(placed.boxes[other].middle for other in others) / len(others) if others else 0.0


def _stack(graph: Graph, placed: Layout, place: tuple[float, float], order: list[str], gap: float) -> None:
    """Places a column from top to bottom, all as near to the middle of their neighbours as the others let them.

    Boxes that would overlap become a block, at the mean of what its boxes wish for (isotonic regression).
    """
    blocks: list[
        tuple[list[str], float, float]
    ] = []  # boxes, sum of the wished tops less the offset in the block, height
    for item in order:
        height = _height(graph, item)
        block = ([item], _middle_of_neighbours(graph, placed, item) - height / 2, height)
        while blocks and _top(blocks[-1]) + blocks[-1][2] + gap > _top(block):
            above, wished, tall = blocks.pop()
            lowered = block[1] - len(block[0]) * (tall + gap)
            block = ([*above, *block[0]], wished + lowered, tall + gap + block[2])
        blocks.append(block)
    for block in blocks:
        y = _top(block)
        for item in block[0]:
            placed.boxes[item] = Box(place[0], y, place[1], _height(graph, item))
            _place_rows(graph, placed, item)
            y += _height(graph, item) + gap


def _top(block: tuple[list[str], float, float]) -> float:
    return max(float(EDGE), block[1] / len(block[0]))


def _place_rows(graph: Graph, placed: Layout, panel: str) -> None:
    outer, y = placed.boxes[panel], placed.boxes[panel].y + TITLE
    for row in rows_of(graph, panel):
        placed.boxes[row] = Box(outer.x + ARC, y, outer.width - ARC - GAP, ROW)
        y += ROW + GAP
