"""The recipe's variants, one file each: a context `switched_off`, which replaces names of the package, and `choose`, which tunes within it."""

import dataclasses
import hashlib
from pathlib import Path

from benchmarks.ablation import replacing
from benchmarks.methods import ladder
from benchmarks.proof.digest import source_digest
from benchmarks.proof.methods import Method, find_methods
from tunesmith.errors import InputError

VARIANTS_FOLDER = Path(__file__).parent
WHOLE = "whole"
VARIANTS = (WHOLE, "no_joint_search", "no_ladder", "no_annealing", "decay_not_matched", "no_rebalancing", "no_pairing")
_SHARED = (replacing, ladder)
"""What every variant runs besides its own file."""


def find_variants(names: list[str], *, folder: Path = VARIANTS_FOLDER) -> list[Method]:
    """The named variants as methods of the proof bench, the whole recipe first, since all others are held against it.

    A method's rows are filed under its file and the package's code; here also under what the variants share.

    Raises:
        InputError: An unknown name, or a file with a mistake.
    """
    known = [*VARIANTS, *sorted(path.stem for path in folder.glob("*.py") if path.stem not in ("__init__", *VARIANTS))]
    unknown = [name for name in names if not (name in known and (folder / f"{name}.py").is_file())]
    if unknown:
        raise InputError(f"VARIANTS must be among {', '.join(known)}, got {', '.join(unknown)}.")
    methods = find_methods(list(dict.fromkeys((WHOLE, *names))), folder=folder)
    return [dataclasses.replace(method, source=f'{method.source}\nSHARED_CODE = "{_shared_digest()}"\n') for method in methods]


def _shared_digest() -> str:
    texts = [Path(module.__file__ or "").read_text() for module in _SHARED]
    return hashlib.sha256("".join(map(source_digest, texts)).encode()).hexdigest()[:8]
