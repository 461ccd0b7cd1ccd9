"""What showing a study loads, in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

from tunesmith.study import Study

OPEN = "from tunesmith.study import Study; from tunesmith.report import *; study = Study.open({!r})"
HEAVY = "[name for name in ('torch', 'pydantic', 'matplotlib', 'plotly', 'pandas') if name in sys.modules]"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", f"import sys\n{code}\nprint({HEAVY})"], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_the_report_loads_nothing_heavy() -> None:
    assert run("import tunesmith.report") == "[]"


def test_showing_a_study_loads_nothing_heavy(recommended: Study) -> None:
    assert run(f"{OPEN.format(str(recommended.folder))}\nsummarize(study), study_to_json(study)") == "[]"


def test_writing_a_report_loads_plotly_alone(recommended: Study, tmp_path: Path) -> None:
    assert run(f"{OPEN.format(str(recommended.folder))}\nwrite_report(study, {str(tmp_path / 'report.html')!r})") == "['plotly']"
