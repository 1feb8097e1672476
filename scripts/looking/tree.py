"""Runs within runs: pipelines, their steps, the trials of these."""

from collections.abc import Iterator

from scripts.looking.runs import Run


class Runs:
    """Runs as a tree in which reused steps are replaced by those that did the work."""

    def __init__(self, runs: list[Run]) -> None:
        self._by_id = {run.id: run for run in runs}
        self._by_job = {run.job: run for run in runs}
        self._children: dict[str | None, list[Run]] = {}
        for run in runs:
            self._children.setdefault(run.parent, []).append(run)
        self.roots = [run for run in runs if run.parent not in self._by_id]

    def root_of(self, run_id: str | None) -> Run | None:
        """The run that is not inside another one and has this run in it; None if there is no such run."""
        run = self._by_id.get(run_id or "")
        while run and run.parent in self._by_id:
            run = self._by_id[run.parent]
        return run

    def below(self, run: Run) -> Iterator[Run]:
        """Everything below a run, depth first."""
        for child in self._children.get(run.id, []):
            origin = self.worker(child)
            yield origin
            yield from self.below(origin)

    def worker(self, run: Run) -> Run:
        """The run that did the work of a reused one, or itself."""
        return self._by_job.get(run.reused_from or "", run)

    def all_reused(self, run: Run) -> bool:
        children = self._children.get(run.id, [])
        return bool(children) and all(child.reused_from for child in children)
