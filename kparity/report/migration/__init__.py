"""What a run of migrate found, for whoever asks: the counts, and a view for each `--format`.

In: the results of files, one after the other. Out: a `Summary`, which all views read. Called by the command `migrate`.
Standard library only.
"""

from collections import Counter
from dataclasses import dataclass, field

from ...codemod.files import FileResult
from ...findings import Exit, Finding, Outcome

LEFT = (Outcome.UNSAFE, Outcome.MANUAL)
FIRST = 5


@dataclass
class Summary:
    """Everything a report needs; of files that don't mention Keras only the number."""

    written: bool
    keep_diffs: bool = False
    files: int = 0
    changed: int = 0
    results: list[FileResult] = field(default_factory=list)
    """Files that mention Keras or TensorFlow."""

    def add(self, result: FileResult) -> None:
        self.files += 1
        self.changed += result.changed
        if result.mentions or result.findings:
            self.results.append(result._replace(diff="") if result.diff and not self.keep_diffs else result)

    def findings(self, *outcomes: Outcome) -> list[Finding]:
        """The findings that ended so, in the order of files."""
        return [f for r in self.results for f in r.findings if f.outcome in outcomes]

    def by_rule(self, *outcomes: Outcome) -> dict[str, int]:
        """How many of each rule ended so, by id."""
        return dict(sorted(Counter(f.rule for f in self.findings(*outcomes)).items()))

    def counts(self) -> dict[str, int]:
        """How many files, and how many findings ended in each of the five ways."""
        outcomes = Counter(f.outcome for r in self.results for f in r.findings)
        counts = {"files": self.files, "mention_keras": len(self.results), "changed": self.changed}
        return counts | {str(outcome): outcomes[outcome] for outcome in Outcome}

    def to_do(self) -> list[Finding]:
        """What a person has to look at: what is left, what failed, and without writing what would be edited."""
        more = () if self.written else (Outcome.FIXED,)
        return self.findings(*LEFT, Outcome.FAILED, *more)

    def exit_code(self) -> int:
        """0: nothing (left) to do. 1: changes needed, or something is left to a person. 2: a file failed."""
        if any(r.error for r in self.results):
            return Exit.ERROR
        if not self.written and self.changed:
            return Exit.DIFFERENT
        return Exit.DIFFERENT if self.findings(*LEFT) else Exit.OK
