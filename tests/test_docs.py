"""The documentation is held to the code: its blocks run or compile, its commands and modules exist, and no text names the machine that it was written on."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tunesmith.cli.commands import group

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "tunesmith"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(?:\{code-block\} )?(?P<language>python|bash)\n(?::caption: (?P<file>\S+)\n)?(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
TEXT = {".md", ".py", ".toml", ".txt", ".cfg", ".yml", ".yaml", ".csv", ".html", ".css", ".js", ""}

# Written in pieces, so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w./~-])/(?:work|root|home|tmp|opt|mnt|Users)(?:/|\b)")
WORKPLACE = re.compile(r"\bC[E]O\b|\bfar[m][-/]|before[-]stop|\.librar[y]\b|INTERFACE[S]\.md|PEER[S]\b|STYLE-ANCHOR[S]|bash_job[s]")
REGISTRY = re.compile(r"pypi\.or[g]|pythonhosted\.or[g]|download\.pytorc[h]|anaconda\.or[g]|test\.pyp[i]")


def blocks(page: Path, language: str) -> list[str]:
    return [found["text"] for found in BLOCK.finditer(page.read_text()) if found["language"] == language]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def typed_lines(page: Path) -> list[list[str]]:
    lines = [line for text in blocks(page, "bash") for line in text.replace("\\\n", " ").splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def text_files() -> list[Path]:
    """What git tracks or would track; in a tree without git, everything that no tool made."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 (git is wherever the developer has it)
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.splitlines()  # fmt: skip
    else:
        made = re.compile(r"(^|/)(\.venv|\.git|runs|build|dist|docs/_build|\.[a-z]+_cache|\.hypothesis|__pycache__|[^/]+\.egg-info)(/|$)")
        listed = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file() and not made.search(str(path.relative_to(ROOT)))]
    return [ROOT / name for name in listed if Path(name).suffix in TEXT and name != "LICENSE" and (ROOT / name).is_file()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_compile(page: Path) -> None:
    for number, text in enumerate(blocks(page, "python")):
        compile(text, f"{page.name}, block {number}", "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_bash_blocks_name_what_exists(page: Path) -> None:
    for words in typed_lines(page):
        program = Path(words[0]).name
        if program == "make":
            assert words[1] in make_targets(), f"{page.name}: {shlex.join(words)}"
        elif program == "tunesmith":
            assert words[1] in set(group.commands) | {"--help", "--version"}, f"{page.name}: {shlex.join(words)}"
        else:
            assert program in {"pip", "python3", "export"}, f"{page.name}: {shlex.join(words)}"


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "ARCHITECTURE.md"], ids=lambda page: page.name)
def test_the_short_pages_stay_short(page: Path) -> None:
    assert len(page.read_text().splitlines()) <= 150


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in [*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", ROOT / "LOG.md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_map_of_modules_matches_the_tree() -> None:
    part = (ROOT / "ARCHITECTURE.md").read_text().split("src/tunesmith/\n", maxsplit=1)[1].split("```", maxsplit=1)[0]
    mapped = {line.split()[0].rstrip("/") for line in part.splitlines()}
    there = {path.name for path in SOURCE.iterdir() if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__" and any(path.iterdir()))}
    assert mapped == there


def test_an_entry_of_the_log_is_dated_and_has_its_command() -> None:
    written = re.sub(r"<!--.*?-->", "", (ROOT / "LOG.md").read_text(), flags=re.DOTALL)
    for entry in re.split(r"^## ", written, flags=re.MULTILINE)[1:]:
        title = entry.splitlines()[0]
        assert re.match(r"\d{4}-\d{2}-\d{2}: \S", title), title
        assert "```bash\n" in entry, title


def test_citations_of_the_method_lead_to_its_page() -> None:
    page = (ROOT / "docs" / "method.md").read_text()
    sections, traps = set(re.findall(r"^#{2,3} (\d(?:\.\d)?)[. ]", page, flags=re.MULTILINE)), set(re.findall(r"^Trap (\d)", page, flags=re.MULTILINE))
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        assert set(re.findall(r"METHOD, section (\d(?:\.\d)?)", text)) <= sections, path
        assert set(re.findall(r"METHOD, trap (\d)", text)) <= traps, path
        assert "DESIGN," not in text, (
            f"{path} cites a document that the repository does not have: cite docs/counting.md (words, cost) or docs/command-line.md (JSON)"
        )


@pytest.mark.parametrize("forbidden", [MACHINE_PATH, WORKPLACE, REGISTRY], ids=["path of one machine", "word of a workplace", "host of a registry"])
def test_no_text_names_where_it_was_written(forbidden: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if forbidden.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", [pytest.param("tutorial.md", marks=pytest.mark.slow), "in-script.md"])
def test_the_page_runs(name: str, tmp_path: Path) -> None:
    """Blocks with a caption become files, commands are typed in their folder, and Python blocks run there, each in the names of those before it."""
    script: list[str] = []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(tmp_path)]), "PYTHONWARNINGS": "error"}
    for found in BLOCK.finditer((ROOT / "docs" / name).read_text()):
        if found["file"]:
            (tmp_path / found["file"]).write_text(found["text"])
        elif found["language"] == "python":
            script.append(found["text"])
        else:
            for line in found["text"].splitlines():
                words = shlex.split(line, comments=True)
                assert words[0] == "tunesmith", line
                run([sys.executable, "-m", "tunesmith.cli", *words[1:]], folder=tmp_path, environment=environment)
    (tmp_path / "all_blocks.py").write_text("\n".join(script))
    run([sys.executable, "all_blocks.py"], folder=tmp_path, environment=environment)


def run(words: list[str], *, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
