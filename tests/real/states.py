"""What people edited when they took code to Keras 3, and how much of it `kparity migrate` edits too.

    python tests/real/states.py NAME=BEFORE:AFTER ... [--rows FILE] [--misses FILE]

In: folders of real migrations, both states. Out: a row of Markdown for each, and on request every edit that migrate
doesn't make. reports/real-migrations.md is made with it. The code measured never comes into this repository.

**How it counts.** A file of BEFORE is paired with the file of the same path in AFTER, or else with the one that is most
alike. `migrate` runs on BEFORE, each file among its neighbours (the people's AFTER is never shown to it). Then, file by
file:

1. Statements of BEFORE are paired with those of AFTER (equal ones first, in between the order-keeping pairing with the
   greatest likeness of names and constants, libraries' prefixes left out), and with those of the migrated file alike.
   A statement without a partner was deleted or written anew: that is no edit of an API and counts nowhere.
2. Of each statement the *uses* are listed as a multiset: canonical dotted names (`K.sum`, `keras.backend.sum` and
   `tf.keras.backend.sum` are one name; `ops.sum` and `keras.ops.sum`, too), spelled flavours (`tf.keras.` in the code
   itself), keywords of calls, members (`.get_shape`), strings, methods defined. Imports are compared by file, since
   people merge and sort them.
3. An *edit* is a use that is in the statement of BEFORE and not in its partner in AFTER.
4. It is **required** if the installed Keras 3 hasn't the name, parameter or member (and Keras 2 had), if a flavour of
   Keras 2 was spelled, a file's suffix changed to one that Keras 3 insists on, or a `tf` function was given a symbolic
   tensor (of `Input`, or of a layer called outside of a class) and became one of `keras.ops`. It is **portable** if a
   `tf` function or type that works with the TensorFlow backend (inside `call`, say) became one of Keras's. Everything
   else that changed (refactoring, new arguments, renamed variables, tf.data, docs) is *other*: counted, not judged.
5. An edit is **made** if the migrated statement hasn't the old use any more, either; *the same* if its uses are then
   just those of the people's statement. Where it isn't made it is **told** if migrate reports something on these lines.

Two numbers come of it: the share made of what is required, and the share made of required and portable together.
"""

import argparse
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from uses import Statement, Use, api, canonical, imported, likeness, pair, portable, required, statements

from kparity.codemod.migrate import migrate_source
from kparity.codemod.module import Module
from kparity.codemod.names import normal
from kparity.codemod.project import Neighbours
from kparity.findings import Outcome

KINDS = ("required", "portable")


@dataclass
class Edit:
    """One use that people replaced, and what migrate did about it."""

    kind: str
    use: Use
    file: str
    line: int
    text: str
    people: str
    made: bool
    unsafe: bool
    same: bool
    told: bool


@dataclass
class Measured:
    """One code base."""

    name: str
    files: int = 0
    edits: list[Edit] = field(default_factory=list)
    other: Counter = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pairs", nargs="+", help="NAME=BEFORE:AFTER")
    parser.add_argument("--rows", type=Path, help="write the table here")
    parser.add_argument("--misses", type=Path, help="write every edit that isn't made here")
    parser.add_argument("--jobs", type=int, default=1, help="code bases at a time")
    options = parser.parse_args()
    every = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for one in pool.map(_given, options.pairs):
            every.append(one)
            print(row(one), flush=True)
    total = Measured("all")
    for one in every:
        total.files += one.files
        total.edits += one.edits
        total.other += one.other
    print(row(total))
    if options.rows:
        options.rows.write_text("\n".join([HEAD, *map(row, every), row(total), "", kinds_missed(total), ""]), "utf-8")
    if options.misses:
        options.misses.write_text("\n".join(misses(every)) + "\n", "utf-8")


def _given(pair: str) -> Measured:
    name, _, folders = pair.partition("=")
    before, _, after = folders.partition(":")
    return measure(name, Path(before), Path(after))


def measure(name: str, before: Path, after: Path) -> Measured:
    found = Measured(name)
    for old, new in paired_files(before, after):
        try:
            one, other = Module(read(before / old)), Module(read(after / new))
        except (SyntaxError, ValueError, RecursionError) as error:
            found.failed.append(f"{old}: {error}")
            continue
        if one.text == other.text or not mentions(one):
            continue
        found.files += 1
        _compare(found, str(old), one, other, Neighbours((before / old).absolute()))
    return found


def read(path: Path) -> str:
    return path.read_text("utf-8", errors="replace").removeprefix("\ufeff")


def mentions(module: Module) -> bool:
    return any(word in module.text for word in ("keras", "tensorflow"))


def paired_files(before: Path, after: Path) -> list[tuple[Path, Path]]:
    """Files of the same path, and of those left over the ones that are most alike."""
    old = {p.relative_to(before) for p in before.rglob("*.py")}
    new = {p.relative_to(after) for p in after.rglob("*.py")}
    pairs = [(p, p) for p in sorted(old & new)]
    left = {p: Counter(read(after / p).split()) for p in new - old}
    for path in sorted(old - new):
        words = Counter(read(before / path).split())
        near = [(likeness(words, other), p) for p, other in left.items() if p.name == path.name]
        if near and max(near)[0] >= 0.5:
            pairs.append((path, max(near)[1]))
            del left[max(near)[1]]
    return pairs


def _compare(found: Measured, path: str, old: Module, new: Module, near: Neighbours) -> None:
    safe = migrate_source(old.text, path, neighbours=near)
    ours = Module(safe.text)
    ours_unsafe = ours
    if any(f.outcome is Outcome.UNSAFE for f in safe.findings):
        ours_unsafe = Module(migrate_source(old.text, path, unsafe=True, neighbours=near).text)
    told = {f.place.line for f in safe.findings if f.outcome is not Outcome.FIXED}
    before, after = statements(old), statements(new)
    mine, mine_unsafe = statements(ours), statements(ours_unsafe)
    people, machine = pair(before, after), pair(before, mine)
    machine_unsafe = machine if ours_unsafe is ours else pair(before, mine_unsafe)
    for index, partner in people.items():
        statement, became = before[index], after[partner]
        removed, added = statement.uses - became.uses, became.uses - statement.uses
        if not removed:
            continue
        here = mine[machine[index]] if index in machine else None
        there = mine_unsafe[machine_unsafe[index]] if index in machine_unsafe else None
        lines = range(statement.line, statement.last + 1)
        for use, count in removed.items():
            kind = "required" if required(use, statement, added) else "portable" if portable(use, added) else "other"
            if kind == "other":
                found.other[use.kind] += count
                continue
            for number in range(count):
                found.edits.append(
                    Edit(
                        kind,
                        use,
                        path,
                        statement.line,
                        statement.text,
                        became.text,
                        _made(statement, here, use, number),
                        _made(statement, there, use, number),
                        here is not None and (here.uses == became.uses or not (became.uses - here.uses)),
                        any(line in told for line in lines),
                    )
                )
    _imports(found, path, old, new, ours, ours_unsafe, safe.findings)


def _made(statement: Statement, migrated: Statement | None, use: Use, number: int) -> bool:
    return migrated is None or statement.uses[use] - migrated.uses[use] > number


def _imports(found: Measured, path: str, old: Module, new: Module, ours: Module, unsafe: Module, findings) -> None:  # type: ignore[no-untyped-def]
    """Imports that people gave up for another place of the same thing."""
    known = set(api("keras")["names"]) | {"keras"}
    before, after = imported(old), imported(new)
    names_after = {canonical(n) for n in after} | _used(new)
    lasts = {n.rpartition(".")[2] for n in names_after if n.startswith("keras")}
    for written in before - after:
        plain = canonical(written)
        if not plain.startswith(("keras.", "tensorflow_addons")) and plain != "keras":
            continue
        flavoured, gone = written != plain and normal(written) != written, plain not in known
        if not flavoured and not gone:
            continue
        last = plain.rpartition(".")[2]
        kept = last in lasts or plain in names_after or any(n.startswith(plain + ".") for n in names_after)
        if not kept:
            continue  # nothing of it is used any more: what became of its uses is counted where they stood
        line = _line(old, written)
        made, also = (written not in imported(m) for m in (ours, unsafe))
        told = any(f.place.line == line and f.outcome is not Outcome.FIXED for f in findings)
        use = Use("import", written)
        found.edits.append(Edit("required", use, path, line, f"import {written}", "", made, also, made, told))


def _used(module: Module) -> set[str]:
    return {use.what for s in statements(module) for use in s.uses if use.kind == "name"}


def _line(module: Module, written: str) -> int:
    import ast

    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and any(f"{node.module}.{a.name}" == written for a in node.names):
            return node.lineno
        if isinstance(node, ast.Import) and any(a.name == written for a in node.names):
            return node.lineno
    return 0


# -- what is written --------------------------------------------------------------------------------------------------

HEAD = """| code base | files | required edits | made | with --unsafe-fixes | made or told | the same as people's \
| portable edits | made | both, made | other changes |
|---|---|---|---|---|---|---|---|---|---|---|""".replace("\\\n", "")


def row(one: Measured) -> str:
    needed = [e for e in one.edits if e.kind == "required"]
    free = [e for e in one.edits if e.kind == "portable"]
    cells = [
        one.name,
        str(one.files),
        str(len(needed)),
        share(needed, lambda e: e.made),
        share(needed, lambda e: e.made or e.unsafe),
        share(needed, lambda e: e.made or e.unsafe or e.told),
        share([e for e in needed if e.made], lambda e: e.same),
        str(len(free)),
        share(free, lambda e: e.made),
        share(needed + free, lambda e: e.made),
        str(one.other.total()),
    ]
    return "| " + " | ".join(cells) + " |"


def share(edits: list[Edit], of) -> str:  # type: ignore[no-untyped-def]
    return f"{100 * sum(map(of, edits)) / len(edits):.1f}%" if edits else "–"


def kinds_missed(total: Measured, most: int = 40) -> str:
    """What isn't made, most frequent first."""
    lines = ["| not made | kind | times | told |", "|---|---|---|---|"]
    groups: dict[tuple[str, str], list[Edit]] = defaultdict(list)
    for edit in total.edits:
        if not edit.made:
            groups[edit.kind, f"{edit.use.kind} {edit.use.what}"].append(edit)
    for (kind, what), edits in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:most]:
        lines.append(f"| `{what}` | {kind} | {len(edits)} | {sum(e.told for e in edits)} |")
    return "\n".join(lines)


def misses(every: list[Measured]) -> list[str]:
    return [
        f"{one.name} {e.file}:{e.line} {e.kind} {e.use.kind} {e.use.what} {'told' if e.told else 'SILENT'}"
        f"{' unsafe' if e.unsafe else ''}\n    - {e.text}\n    + {e.people}"
        for one in every
        for e in one.edits
        if not e.made
    ]


if __name__ == "__main__":
    main()
