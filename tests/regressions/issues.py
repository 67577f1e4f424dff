"""Public reports of numbers that changed between Keras 2 and Keras 3, and what compare must say of each model.

In: nothing. Out: REPORTS. Called by the tests and by `write_table.py`. The models are our own, small, after what the
reports say of theirs; what the reporter saw and what the thread says of it is told here in our words.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """A public report. `causes`: what compare must name, in order, as (phase, a layer or variable, rule), the last two
    None where there is none; empty where both Kerases train alike now. `right`: how that stands to the report."""

    name: str
    issue: str
    saw: str
    causes: tuple[tuple[str, str | None, str | None], ...]
    right: str
    steps: int = 10
    proven: bool = True
    """Whether a counterfactual proves all of it."""

    @property
    def url(self) -> str:
        """Where the report stands."""
        project, number = self.issue.split("#")
        return f"https://github.com/{project}/issues/{number}"


REPORTS: tuple[Report, ...] = ()
