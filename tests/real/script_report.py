"""What run_scripts found, as a page: names and numbers only.

In: the scripts with what became of them on both sides. Out: markdown. Called by run_scripts.
"""

import re


def table(scripts):
    """The page: the counts, then a line a script, those that count first."""
    counted = [s for s in scripts if s["before"]["ok"]]
    good = [s for s in counted if s["after"]["ok"]]
    told = [s for s in counted if not s["after"]["ok"] and _is_near(s)]
    newer = [s for s in scripts if not s["before"]["ok"] and s.get("after", {}).get("ok")]
    share = f"{100 * len(good) / max(len(counted), 1):.0f}%"
    lines = [
        "# Public scripts, before and after migrate",
        "",
        f"{len(counted)} of {len(scripts)} public scripts run under Keras 2 (tf_keras) here, with made-up data and a",
        f"few steps of training. **{len(good)} of those ({share}) run under Keras 3 after `kparity migrate`**, with no",
        f"edit by hand and without `--unsafe-fixes`; {len(counted) - len(good)} don't, and for {len(told)} of these a",
        "finding stands within three lines of where they fail (for the others: the nearest ones, which may be about",
        f"the cause elsewhere, or not). {len(newer)} more run under Keras 3 after migrate and not, as they are, on the",
        "last Keras 2. The losses are of different random draws: a check that something was trained, no comparison.",
        "",
        "Remade by `python tests/real/run_scripts.py --clones DIR --work DIR --report reports/scripts.md`.",
        "",
        "## Scripts that run under Keras 2",
        "",
        "| script | source | Keras 3 after migrate | loss before | after | what failed | what told the user |",
        "|---|---|---|---|---|---|---|",
        *(_line(s) for s in counted),
        "",
        "## Scripts that don't run under the last Keras 2 here: not counted",
        "",
        "| script | source | why | under Keras 3 after migrate |",
        "|---|---|---|---|",
        *(
            f"| {s['name']} | {_source(s)} | {_short(s['before']['error'])} | {_state(s.get('after'))} |"
            for s in scripts
            if not s["before"]["ok"]
        ),
    ]
    return "\n".join(lines) + "\n"


def _said(script):
    return script.get("told", [])


def _is_near(script):
    return any(abs(f["place"]["line"] - script.get("line", 0)) <= 3 for f in _said(script))


def _line(script):
    after = script["after"]
    failed = "" if after["ok"] else f"line {script.get('line', 0)}: {_short(after['error'])}"
    told = ", ".join(f"{f['rule']} (line {f['place']['line']})" for f in _said(script))
    told = "" if after["ok"] else told or "nothing"
    unsafe = script.get("unsafe")
    state = _state(after) + (", with --unsafe-fixes it runs" if unsafe and unsafe["ok"] else "")
    before = script["before"]
    cells = (script["name"], _source(script), state, _loss(before), _loss(after), failed, told)
    return "| " + " | ".join(cells) + " |"


def _source(script):
    return f"{script['source']['repository']}@{script['source']['commit'][:9]}"


def _state(result):
    return "not tried" if result is None else "runs" if result["ok"] else "fails"


def _loss(result):
    return f"{result['losses'][0]:.4g}" if result.get("losses") else ""


def _short(error):
    words = " ".join(re.sub(r"\x1b\[\d*m", "", error).replace("|", "/").split())
    cut = words if len(words) <= 110 else words[:107] + "..."
    return "`" + re.split(r"""(?<=["'( ])/\w+/""", cut.replace("`", "'"))[0] + "`"
