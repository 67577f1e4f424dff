# ruff: noqa: E501 (texts as they stand in a file)
"""Files that say which packages a program needs: pins that keep Keras 2 are told, and edited on request."""

import pytest
from typer.testing import CliRunner

from kparity.cli import app
from kparity.codemod.migrate import migrate_source
from kparity.codemod.requirements import allows


def run(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


EDITED = {
    "requirements.txt": (
        "# ours\nnumpy==1.16\nkeras==2.2.4  # why\ntensorflow-gpu>=1.4,<2 ; python_version < '3.8'\nKeras [x] ~= 2.3\n-r more.txt\n",
        "# ours\nnumpy==1.16\nkeras>=3  # why\ntensorflow>=2.16 ; python_version < '3.8'\nKeras[x]>=3\n-r more.txt\n",
        [3, 4, 5],
    ),
    "requirements/test.txt": ("tensorflow-cpu == 2.4.*\r\npytest\r\n", "tensorflow-cpu>=2.16\r\npytest\r\n", [1]),
    "pyproject.toml": (
        '[build-system]\nrequires = ["hatchling"]\n[project]\nname = "keras-x"\ndependencies = [\n  "numpy",  # ]\n'
        "  'tensorflow<2.11',\n]\n[project.optional-dependencies]\nold = [\"keras==2.3.1 ; extra == 'x'\"]\n"
        '[tool.other]\nkeras = "2.3"\nlist = ["keras==2.3"]\n',
        '[build-system]\nrequires = ["hatchling"]\n[project]\nname = "keras-x"\ndependencies = [\n  "numpy",  # ]\n'
        "  'tensorflow>=2.16',\n]\n[project.optional-dependencies]\nold = [\"keras>=3 ; extra == 'x'\"]\n"
        '[tool.other]\nkeras = "2.3"\nlist = ["keras==2.3"]\n',
        [7, 10],
    ),
    "poetry/pyproject.toml": (
        '[tool.poetry.dependencies]\npython = "^3.9"\nkeras = "^2.3"\ntensorflow = { version = "2.4.1", extras = ["x"] }\n',
        '[tool.poetry.dependencies]\npython = "^3.9"\nkeras = ">=3"\ntensorflow = { version = ">=2.16", extras = ["x"] }\n',
        [3, 4],
    ),
    "setup.cfg": (
        "[metadata]\nname = keras==2.3\n[options]\ninstall_requires =\n    keras==2.3\n    numpy\n[options.extras_require]\ntf = tensorflow==2.4\n",
        "[metadata]\nname = keras==2.3\n[options]\ninstall_requires =\n    keras>=3\n    numpy\n[options.extras_require]\ntf = tensorflow>=2.16\n",
        [5, 8],
    ),
    "setup.py": (
        "from setuptools import setup\n\nREQUIRED = ['keras==2.3', \"numpy\"]\nsetup(name='keras', install_requires=REQUIRED, extras_require={'é': ['x', 'tensorflow<2']})\n",
        "from setuptools import setup\n\nREQUIRED = ['keras>=3', \"numpy\"]\nsetup(name='keras', install_requires=REQUIRED, extras_require={'é': ['x', 'tensorflow>=2.16']})\n",
        [3, 4],
    ),
    "environment.yml": (
        "name: keras\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.10\n  - conda-forge::keras=2.3.1\n  - tensorflow-gpu=2.4.1=py36_0\n  - pip:\n      - 'keras==2.3.1'  # x\n",
        "name: keras\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.10\n  - conda-forge::keras>=3\n  - tensorflow>=2.16\n  - pip:\n      - 'keras>=3'  # x\n",
        [6, 7, 9],
    ),
    "Pipfile": (
        '[packages]\nkeras = "==2.3"\n[x]\nkeras = "==2.3"\n',
        '[packages]\nkeras = ">=3"\n[x]\nkeras = "==2.3"\n',
        [2],
    ),
}


@pytest.mark.parametrize("name", EDITED)
def test_pins_are_told_and_edited_on_request(tmp_path, name):
    old, new, lines = EDITED[name]
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(old.encode())
    told = run("migrate", tmp_path)
    assert told.exit_code == 1
    assert [line.split(":")[1] for line in told.output.splitlines() if "KP154 manual" in line] == [
        str(n) for n in lines
    ]
    assert file.read_bytes().decode() == old
    assert run("migrate", tmp_path, "--requirements").exit_code == 0
    assert file.read_bytes().decode() == new
    assert run("migrate", tmp_path).exit_code == 0


TOLD = {
    "an old package": ("requirements.txt", "tensorflow_addons\n", "KP155"),
    "Keras 2 itself": ("requirements.txt", "tf-keras\n", "KP155"),
    "an address": ("requirements.txt", "git+https://www.github.com/keras-team/keras-contrib.git\n", "KP155"),
    "a pin with hashes": ("requirements.txt", "keras==2.3.1 \\\n    --hash=sha256:0\n", "KP154"),
    "an old Python": ("environment.yml", "dependencies:\n  - python=3.6\n  - keras\n", "KP156"),
    "a pin in a shell line": ("Dockerfile", "FROM python\nRUN pip install keras==2.3 numpy && \\\n  echo\n", "KP154"),
    "the environment": ("Dockerfile", "FROM python\nENV TF_USE_LEGACY_KERAS=1\n", "KP157"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_cannot_be_edited_is_told(tmp_path, name):
    file, text, rule = TOLD[name]
    (tmp_path / file).write_text(text)
    done = run("migrate", tmp_path, "--requirements")
    assert done.exit_code == 1
    assert f"{rule} manual" in done.output
    assert (tmp_path / file).read_text() == text


SILENT = {
    "requirements.txt": "keras\nkeras>=2.0\ntensorflow>=2.4\nkeras==3.1\nkeras-tuner==1.0\nmykeras==1\n# keras==2.3\n",
    "pyproject.toml": '[project]\nname = "keras==2.3"\n[tool.x]\ndependencies = ["keras==2.3"]\n',
    "environment.yml": "dependencies:\n  - python=3.11\n  - keras=3\n  - tensorflow\n",
    "requirements-old.txt": "keras==2.3  # kparity: ignore\n",
    "setup.py": "from setuptools import setup\nsetup(name='keras==2.3', description='keras==2.3')\n",
    "notes.txt": "keras==2.3\n",
}


@pytest.mark.parametrize("name", SILENT)
def test_what_suits_keras_3_or_is_no_requirement_is_not_told(tmp_path, name):
    (tmp_path / name).write_text(SILENT[name])
    done = run("migrate", tmp_path, "--requirements")
    assert done.exit_code == 0, done.output
    assert (tmp_path / name).read_text() == SILENT[name]


SET = [
    'os.environ["TF_USE_LEGACY_KERAS"] = "1"',
    'os.environ["TF_USE_LEGACY_KERAS"] = str(flag)',
    'os.environ.setdefault("TF_USE_LEGACY_KERAS", "True")',
    'os.putenv("TF_USE_LEGACY_KERAS", "1")',
    'monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")',
    'os.environ.update({"TF_USE_LEGACY_KERAS": "1"})',
    'NAME = "TF_USE_LEGACY_KERAS"',
]
UNSET = [
    'os.environ["TF_USE_LEGACY_KERAS"] = "0"',
    'os.environ.pop("TF_USE_LEGACY_KERAS", None)',
    'del os.environ["TF_USE_LEGACY_KERAS"]',
    'if os.environ.get("TF_USE_LEGACY_KERAS") == "1": pass',
    'if "TF_USE_LEGACY_KERAS" in os.environ: pass',
    'x = os.environ["TF_USE_LEGACY_KERAS"]',
    'monkeypatch.delenv("TF_USE_LEGACY_KERAS")',
    'env = {"TF_USE_LEGACY_KERAS": "0"}',
]


@pytest.mark.parametrize(("line", "told"), [*((s, True) for s in SET), *((s, False) for s in UNSET)])
def test_legacy_keras_is_told_where_code_switches_it_on(line, told):
    found = migrate_source(f"import os\nimport keras\n{line}\n", "a.py").findings
    assert [f.rule for f in found] == (["KP151"] if told else [])


YES = [">=2.0", "", "<3.1", "==3.0", "^3", "!=2.4", "~=3.0", "=3", ">=2,<4", "==3.*", "2.3|3.1"]
NO = ["==2.3", "<3", "<=2.15", "~=2.4", "^2.3", "=2.3", "==2.*", ">=2.2,<2.11", "===2.3", "~2.4", "<3.0", "<=2"]


@pytest.mark.parametrize(("spec", "said"), [*((s, True) for s in YES), *((s, False) for s in NO)])
def test_a_specification_allows_keras_3_or_not(spec, said):
    assert allows(spec, (3,)) is said


@pytest.mark.parametrize(("spec", "said"), [("~=2.4", True), ("<2.16", False), ("==2.16.1", True), ("=2", True)])
def test_a_specification_allows_tensorflow_2_16_or_not(spec, said):
    assert allows(spec, (2, 16)) is said
