"""What runs in a job's own environment keeps to what Python 3.7 understands: the public samples ask for it."""

import ast
from pathlib import Path

import ml_workspace
import pytest

ENGINE = Path(ml_workspace.__file__).parent
GENERIC = {"dict", "list", "tuple", "set", "frozenset", "type", "deque"}


class Evaluated(ast.NodeTransformer):
    """Takes away what is for type checkers: annotations, which `from __future__ import annotations` leaves alone."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return self.visit(node.value) if node.value else None

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


@pytest.mark.parametrize("name", ["bytecode", "parallel_driver", "parallel_worker", "parallel_tables"])
def test_it_is_python_3_7(name: str) -> None:
    tree = ast.parse((ENGINE / f"{name}.py").read_text(encoding="utf-8"), feature_version=(3, 7))
    for node in ast.walk(Evaluated().visit(tree)):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            assert node.value.id not in GENERIC, f"{name}.py:{node.lineno}: {ast.unparse(node)} needs Python 3.9"
