"""The command line: commands and options, nothing else. Every command imports its room when it is called.

Exit codes everywhere: 0 equivalent or nothing to do, 1 different or changes needed, 2 wrong usage or an error,
3 inconclusive.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup


class _AsTheyCome:
    """Parameters whose texts are taken as they come: typer's checks of them import more than migrating a file does."""

    def get_params(self, ctx: Any) -> list[Any]:
        found = super().get_params(ctx)  # type: ignore[misc]
        for parameter in found:
            if getattr(parameter, "_runtime_param", ...) is None:
                parameter._runtime_param = self
        return found

    @staticmethod
    def coerce(value: Any, param: Any, ctx: Any) -> Any:
        return value


class Quick(_AsTheyCome, TyperCommand):
    """A command that does without typer's checks."""


class QuickGroup(_AsTheyCome, TyperGroup):
    """All commands: it has no options but --help."""


app = typer.Typer(
    name="kparity",
    cls=QuickGroup,
    help="From Keras 2 to Keras 3, with proof that nothing was lost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich takes longer to import than most commands take to run
)


Finished = Annotated[Path, typer.Argument(metavar="REPORT", help="A finished comparison: reports/NAME.")]


@app.command()
def compare(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL.py [-- ARGUMENTS...]",
            help="A file with build_model() and load_data(), or a training script, with its arguments.",
        ),
    ] = None,
    module: Annotated[
        str | None, typer.Option("-m", metavar="PKG.MODULE", help="Instead of a file: run as python -m would.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="The first seed of all random draws.")] = 0,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="How many seeds, one after the other; default 1, with --natural 8.")
    ] = None,
    natural: Annotated[
        bool, typer.Option("--natural", help="Each side with its own draws; only what comes out is compared.")
    ] = False,
    margin: Annotated[
        float | None,
        typer.Option(
            help="With --natural: how far apart an accuracy (0.01), or a loss, as a part of it (0.05), may be."
        ),
    ] = None,
    against: Annotated[Path | None, typer.Option(metavar="NEW.py", help="The Keras 3 side runs this file.")] = None,
    legacy_rev: Annotated[
        str | None, typer.Option(metavar="REV", help="The Keras 2 side runs the files of this git revision.")
    ] = None,
    migrate: Annotated[bool, typer.Option(help="The Keras 3 side runs the file as migrate would leave it.")] = True,
    twin: Annotated[bool, typer.Option("--self", help="Keras 2 against itself: a check of kparity.")] = False,
    go_on: Annotated[
        bool, typer.Option("--continue", help="A script: afterwards run what comes after its training, too.")
    ] = False,
    model: Annotated[str, typer.Option(metavar="NAME", help="The function that returns the model.")] = "build_model",
    data: Annotated[str, typer.Option(metavar="NAME", help="The function that returns the data.")] = "load_data",
    batch_size: Annotated[int | None, typer.Option(min=1, help="Rows of an array in a batch.")] = None,
    name: Annotated[str | None, typer.Option(help="Folder under --out; default: the file's name.")] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where reports go.")] = Path("reports"),
    timeout: Annotated[float, typer.Option(help="Seconds without a sign of life after which a side is hung.")] = 600,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last whole run of one cut short.")] = False,
    keras3: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="The Keras 3 side runs on this keras, e.g. 3.4.1 (made with uv)."),
    ] = None,
    keras2: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The Keras 2 side runs on this tf-keras, e.g. 2.17.0.")
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="REQUIREMENT", help="Also installed there, e.g. tensorflow==2.16.2."),
    ] = None,
) -> None:
    """Train a model under Keras 2 and Keras 3 and name the first cause of any difference."""
    from rich.console import Console

    from kparity.findings import EXIT_OF_VERDICT
    from kparity.report.terminal import render

    subject, arguments = _subject(words or [], module)
    if legacy_rev is not None and twin:
        _refuse("--self has Keras 2 on both sides, and --legacy-rev other code on one of them: say one")
    if margin is not None and not (natural and margin > 0):
        _refuse("--margin is a number above zero, for --natural")
    if keras3 is not None and twin:
        _refuse("--self has Keras 2 on both sides, and --keras3 is for the other one: say one")
    if also and keras2 is None and keras3 is None:
        _refuse("--with is for the environments of --keras3 and --keras2: name a version")
    if module is not None and against is not None:
        _refuse("--against names a file, and -m a module: say one")
    for file in (subject, against):
        if file is not None and not file.is_file():
            _refuse(f"{file} is no file")
    try:
        from kparity.attended import attended
        from kparity.options import Options
        from kparity.rulebook import RuleError
    except ImportError as error:
        _refuse(f'compare needs {error.name}: pip install "kparity[compare]"')
    folder = out / (name or module or subject.stem)
    seed_list = tuple(range(seed, seed + (seeds or (8 if natural else 1))))
    options = Options(
        subject=subject,
        folder=folder,
        steps=steps,
        seeds=seed_list,
        model=model,
        data=data,
        batch_size=batch_size,
        migrate=migrate,
        against=against,
        twin=twin,
        timeout=timeout,
        module=module,
        arguments=arguments,
        legacy_rev=legacy_rev,
        go_on=go_on,
        keras2=keras2,
        keras3=keras3,
        also=tuple(also or ()),
        resume=resume,
        natural=natural,
        margin=margin,
    )
    try:
        verdict = attended(options)
    except RuleError as error:
        _refuse(f"the rule book can't be read: {error}")
    except OSError as error:
        _refuse(f"{folder} can't be written: {error}")
    except KeyboardInterrupt:
        _refuse("interrupted")
    except Exception as error:  # exit code 1 would say "different", which nobody found out
        from kparity.runtime.failed import failure_of

        _refuse(failure_of(error, folder).message)
    render(verdict, Console(), folder=folder)
    raise typer.Exit(EXIT_OF_VERDICT[verdict["verdict"]])


def _subject(words: list[str], module: str | None) -> tuple[Path, tuple[str, ...]]:
    """The file that is meant, and the arguments that it is given."""
    if module is None:
        if not words:
            _refuse("what to compare? A file, or -m and a module")
        return Path(words[0]), tuple(words[1:])
    from kparity.subjects import module_file

    found = module_file(module, Path.cwd())
    if found is None:
        _refuse(f"no file of module {module} under {Path.cwd()}: run it where python -m {module} runs")
    return found, tuple(words)


@app.command()
def gate(
    report: Finished,
    max_accuracy_drop: Annotated[
        float, typer.Option(metavar="DROP", help="How much lower the accuracy may be, absolute: 0.01 is one point.")
    ] = 0.01,
) -> None:
    """Pass or fail a finished comparison by its exit code: 0 pass, 1 drift, 2 error, 3 inconclusive."""
    from kparity.analysis.gate import judge

    verdict = _read(report)
    try:
        judgement = judge(verdict, max_accuracy_drop)
    except ValueError as error:
        _refuse(str(error))
    except (AttributeError, KeyError, TypeError) as error:  # a traceback would exit with 1, which says drift
        _refuse(f"{report} is damaged ({type(error).__name__}: {error}); run the comparison again")
    encoding = sys.stdout.encoding or "ascii"
    typer.echo(str(judgement).encode(encoding, "replace").decode(encoding))
    raise typer.Exit(judgement.code)


@app.command()
def report(
    report: Finished,
    html: Annotated[Path | None, typer.Option(metavar="PATH", help="Also write the report as one HTML file.")] = None,
) -> None:
    """Show a finished comparison again; no framework needed. Exits with 0 whatever the verdict."""
    from rich.console import Console

    from kparity.report.terminal import render

    verdict = _read(report)
    if html:
        try:
            from kparity.report.html import write_html
            from kparity.report.plots import read_map

            write_html(verdict, read_map(report), html)
        except ImportError as error:
            _refuse(f'--html needs {error.name}: pip install "kparity[compare]"')
        except OSError as error:
            _refuse(f"{html} cannot be written: {error}")
    render(verdict, Console(), folder=report if report.is_dir() else report.parent)


@app.command()
def repro(
    report: Finished,
    cause: Annotated[int, typer.Option(min=1, help="Which of the causes, counted from 1.")] = 1,
    run: Annotated[bool, typer.Option(help="Also run the script, to see that it shows the difference.")] = True,
) -> None:
    """Write a script that shows one cause with no kparity in it: what a bug report needs.

    It goes into REPORT/repro, beside the arrays that it reads. Exit code 2 where the cause can't be shown alone.
    """
    import subprocess

    from kparity.report.repro import NoReproduction, kept, script

    verdict = _read(report)
    folder = report if report.is_dir() else report.parent
    known = {one.number: one for one in kept(folder)}
    if cause not in known:
        numbers = ", ".join(map(str, known)) or "none"
        _refuse(f"{report} keeps nothing of cause {cause}; there is {numbers} of {len(verdict['causes'])}")
    try:
        text = script(known[cause], verdict)
    except NoReproduction as error:
        _refuse(f"no script for cause {cause}: {error}")
    file = known[cause].file.with_suffix(".py")
    file.write_text(text, encoding="utf-8")
    typer.echo(f"{file} ({len(text.splitlines())} lines)")
    if run:
        done = subprocess.run([sys.executable, str(file)], env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
        raise typer.Exit(0 if done.returncode == 0 else 2)


def _read(path: Path) -> dict[str, Any]:
    """The verdict of a finished comparison; ends the command in words when it cannot be read."""
    from kparity.report.files import Unreadable, read

    try:
        return read(path)
    except Unreadable as error:
        _refuse(str(error))


def _refuse(why: str) -> NoReturn:
    from kparity.findings import Exit

    typer.echo(f"kparity: {why}", err=True)
    raise typer.Exit(Exit.ERROR)


@app.command(cls=Quick)
def migrate(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Python files, notebooks, folders; - is stdin.")
    ],
    diff: Annotated[bool, typer.Option("--diff", help="Show what would change, and change nothing.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if something would change.")] = False,
    select: Annotated[list[str] | None, typer.Option(metavar="RULE", help="Only these: KP302, KP3, a name.")] = None,
    extend: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="These, too, besides what is selected.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="RULE", help="All but these.")] = None,
    unsafe_fixes: Annotated[bool, typer.Option("--unsafe-fixes", help="Also edits that need a look.")] = False,
    requirements: Annotated[bool, typer.Option("--requirements", help="Also pins of keras and tensorflow.")] = False,
    own: Annotated[list[str] | None, typer.Option("--rules", metavar="FILE", help="Rules of your own.")] = None,
    target: Annotated[str, typer.Option(metavar="keras|tf.keras", help="The flavour to come out with.")] = "",
    allow_dirty: Annotated[bool, typer.Option("--allow-dirty", help="Also files with uncommitted changes.")] = False,
    stdin_filename: Annotated[str, typer.Option(metavar="PATH", help="What the text on stdin is called.")] = "",
    output: Annotated[
        str, typer.Option("--format", metavar="text|json|sarif|github|junit", help="The report.")
    ] = "text",
    report_file: Annotated[
        str, typer.Option("--report", metavar="FILE.md", help="Write what is left, by effort.")
    ] = "",
    cache: Annotated[bool, typer.Option(help="Skip what hasn't changed since it was looked at.")] = True,
    jobs: Annotated[str, typer.Option(metavar="N", help="Processes; default: as many as processors.")] = "",
) -> None:
    """Rewrite Keras 2 code to Keras 3, in place; what can't be rewritten is reported with the reason.

    Exit code 0: nothing left to do; 1: changes needed (--check, --diff), or something is left to you; 2: an error.
    """
    import signal

    from kparity.codemod.command import Request, run
    from kparity.findings import Exit

    if jobs and not (jobs.isdigit() and int(jobs)):
        _refuse(f"--jobs is a number from 1 on, not {jobs!r}")
    request = Request(
        paths=tuple(paths),
        diff=diff,
        check=check,
        select=_words(select or []),
        extend=_words(extend or []),
        ignore=_words(ignore or []),
        unsafe_fixes=unsafe_fixes,
        requirements=requirements,
        rules=tuple(own or ()),
        target=target,
        allow_dirty=allow_dirty,
        stdin_filename=stdin_filename,
        output=output,
        report=report_file,
        cache=cache,
        jobs=int(jobs) if jobs else None,
    )
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = run(request)
        sys.stdout.flush()
    except KeyboardInterrupt:
        typer.echo("kparity: interrupted; every file is whole, as it was or migrated", err=True)
        raise typer.Exit(Exit.ERROR) from None
    except BrokenPipeError:
        # who read the report has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.ERROR) from None
    except Exception as error:
        if not isinstance(error, OSError | ValueError) and type(error).__name__ != "SourceError":
            # exit code 1 would say that something is left to do, which nobody found out
            import traceback

            traceback.print_exc()
            _refuse(f"failed by its own fault, please report it: {error!r}")
        _refuse(str(error))
    raise typer.Exit(code)


def _words(values: list[str]) -> tuple[str, ...]:
    return tuple(word for value in values for word in value.replace(",", " ").split())


@app.command("rules")
def list_rules(
    output: Annotated[str, typer.Option("--format", metavar="text|json", help="How to list them.")] = "text",
    coverage: Annotated[bool, typer.Option("--coverage", help="What of Keras 2 the rules cover, measured.")] = False,
    details: Annotated[bool, typer.Option("--all", help="With --coverage: every single thing.")] = False,
) -> None:
    """List the rule book: what Keras 3 does differently, and what migrate does about it.

    With --coverage: one use of everything that Keras 2 has, migrated. Exit code 1 if something is uncovered.
    """
    import json

    from kparity.codemod.show import rule_table
    from kparity.rulebook import RuleError, rules

    try:
        book = rules()
    except RuleError as error:
        _refuse(str(error))
    if coverage:
        _coverage(output, details)
    elif output == "json":
        typer.echo(json.dumps([rule.to_json() for rule in book], indent=2))
    elif output == "text":
        from rich.console import Console

        Console().print(rule_table(book))
    else:
        _refuse(f"--format is text or json, not {output!r}")


def _coverage(output: str, details: bool) -> NoReturn:
    import json
    from dataclasses import asdict

    from kparity.coverage import as_text, measure
    from kparity.findings import Exit
    from kparity.snapshots import snapshot

    rows = measure(snapshot(2), snapshot(3))
    if output == "json":
        typer.echo(json.dumps([asdict(row) for row in rows], indent=1))
    elif output == "text":
        typer.echo(as_text(rows, details))
    else:
        _refuse(f"--format is text or json, not {output!r}")
    raise typer.Exit(Exit.DIFFERENT if any(row.how == "uncovered" for row in rows) else Exit.OK)


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="An id like KP302, or a name like optimizer-decay.")],
    output: Annotated[str, typer.Option("--format", metavar="text|json", help="How to show it.")] = "text",
) -> None:
    """Show everything about one rule: why, what it does to the numbers, code before and after, and the proof."""
    import json

    from rich.console import Console

    from kparity.codemod.show import rule_page
    from kparity.rulebook import RuleError, find

    try:
        found = find(rule)
    except RuleError as error:
        _refuse(str(error))
    if found is None:
        _refuse(f"no rule is called {rule!r}; `kparity rules` lists them")
    if output == "json":
        typer.echo(json.dumps(found.to_json(), indent=2))
    else:
        Console().print(rule_page(found))


if __name__ == "__main__":
    app()
