"""Which edits of one pass are made now: those that don't overlap, with the imports that they need.

In: the sites of a module. Out: the sites that are edited, their splices, and whether others wait for the next pass.
Called by migrate.
"""

from ..findings import Outcome
from .book import Book
from .edits import KERAS_TAKEN
from .match import freed_sites
from .module import Module, Need, Splice, Taken
from .outcomes import outcome_of
from .sites import Held, Site, in_order


def with_freed(
    module: Module,
    book: Book,
    free: list[Held],
    found: list[Site],
    done: list[Site],
    splices: list[Splice],
    unsafe: bool,
) -> tuple[list[Site], list[Site], list[Splice], bool]:
    """The same with imports that nothing holds any more, now that these splices are made; others wait."""
    starts = {site.start for site in done}
    alone = [one.statement for one in free if one.statement is not None and module.start(one.statement) not in starts]
    more = [site for statement in dict.fromkeys(alone) for site in freed_sites(module, book, statement)]
    if len(alone) < len(free) or any(KERAS_TAKEN in site.reason for site in found):
        return found, done, splices, True
    every = in_order([*found, *more])
    return (every, *choose(module, every, unsafe))


def choose(module: Module, found: list[Site], unsafe: bool) -> tuple[list[Site], list[Splice], bool]:
    """The sites of this pass that are edited now, all their splices, and whether others wait for the next pass.

    Edits that overlap wait.
    """
    waiting = False
    done: list[Site] = []
    splices: list[Splice] = []
    taken = Taken()
    needs: dict[Need, None] = {}
    for site in found:
        if site.edit is None or outcome_of(site, module, unsafe) is not Outcome.FIXED:
            continue
        new = [s for s in site.edit.splices if s not in taken]
        if any(taken.clashes(one) for one in new):
            waiting = True
            continue
        done.append(site)
        splices += [one for one in new if module.text[one.start : one.end] != one.text]
        for one in new:
            taken.add(one)
        needs.update(dict.fromkeys(site.edit.needs))
    return done, [*splices, *_needed(module, list(needs))], waiting


def _needed(module: Module, needs: list[Need]) -> list[Splice]:
    """Insertions of imports; one at module level serves the functions, too."""
    made = []
    at_top = {n.text for n in needs if _indent(module, n.at) == ""}
    for need in needs:
        indent = _indent(module, need.at)
        if indent != "" and need.text in at_top:
            continue
        separator = "; " if indent.strip() else module.newline() + indent
        made.append(Splice(need.at, need.at, need.text + separator))
    first: dict[str, Splice] = {}
    for splice in sorted(made):
        key = splice.text if splice.text.endswith(("\n", "\r")) else f"{splice.start}{splice.text}"
        first.setdefault(key, splice)
    return list(first.values())


def _indent(module: Module, offset: int) -> str:
    line, column = module.line_column(offset)
    return module.line_text(line)[: column - 1]
