"""The bench's methods: one file each, found by name."""

import ast
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType

from benchmarks.proof.digest import package_digest, source_digest
from tunesmith.errors import InputError

METHODS_FOLDER = Path(__file__).parents[1] / "methods"
_OURS = "IS_OURS"
_IN_SCRIPT = "USES_IN_SCRIPT"
_BUDGET = "budget"


@dataclass(frozen=True)
class Method:
    """A method of the bench.

    Attributes:
        name: As it is given and shown: the family, and after an "@" the budget.
        path: The file.
        source: Its text as it was when the bench began: what is filed is what was run, though the file be edited meanwhile.
        budget: In full trainings; None where the method takes none.
    """

    name: str
    path: Path
    source: str = field(repr=False)
    budget: float | None = None

    @property
    def family(self) -> str:
        """The file's name: one method at several budgets."""
        return self.path.stem

    @cached_property
    def module(self) -> ModuleType:
        """The file, executed, and with it the peer imported: this may raise anything."""
        module = ModuleType(f"_bench_method_{self.family}")
        module.__file__ = str(self.path)
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)  # noqa: S102 (whoever runs the bench asked for it)
        return module

    @cached_property
    def is_ours(self) -> bool:
        """Whether the file says `IS_OURS = True`: then its studies depend on the package's code as well."""
        return self._says(_OURS)

    @cached_property
    def takes_budget(self) -> bool:
        """Whether `choose` has a parameter `budget`.

        Raises:
            InputError: The file has no function `choose`.
        """
        for node in self._tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == "choose":
                return _BUDGET in [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
        raise InputError(f"{self.path.name} must define choose(problem, *, seed), and does not. See benchmarks/README.md.")

    @cached_property
    def identity(self) -> str:
        """What its studies are filed under: another code, another study."""
        return self.file_digest + (f"-{self.package_digest()}" if self.is_ours else "")

    def package_digest(self) -> str:
        """Of the package's code that its studies depend on, as it is now: with `USES_IN_SCRIPT = True` also of what serves scripts."""
        return package_digest(with_in_script=self._says(_IN_SCRIPT))

    @cached_property
    def file_digest(self) -> str:
        """What retrainings by its own trainer are filed under."""
        return source_digest(self.source)

    def _says(self, name: str) -> bool:
        return any(ast.unparse(node) == f"{name} = True" for node in self._tree.body if isinstance(node, ast.Assign))

    @cached_property
    def _tree(self) -> ast.Module:
        return ast.parse(self.source, str(self.path))


def find_methods(names: list[str], *, folder: Path = METHODS_FOLDER) -> list[Method]:
    """The named methods, each once.

    Raises:
        InputError: An unknown name, a file with a mistake, or a budget that is missing, too much, or no number.
    """
    known = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    return list({method.name: method for method in (_find(name, folder=folder, known=known) for name in names)}.values())


def _find(name: str, *, folder: Path, known: list[str]) -> Method:
    family, at, number = name.partition("@")
    if family not in known:
        raise InputError(f"METHODS must be among {', '.join(known)}, each with an optional @BUDGET in full trainings, got {name!r}.")
    try:
        budget = float(number) if at else None
    except ValueError:
        raise InputError(f"METHODS: what follows the @ must be a number of full trainings, got {name!r}. Write {family}@1.") from None
    if budget is not None and not 0 < budget < float("inf"):
        raise InputError(f"METHODS: a budget must be finite and > 0, got {name!r}. Write {family}@1.")
    path = folder / f"{family}.py"
    method = Method(family if budget is None else f"{family}@{budget:g}", path, path.read_text(), budget)
    try:
        takes_budget = method.takes_budget
    except SyntaxError as error:
        raise InputError(f"{method.path.name} must be Python, and line {error.lineno} is not: {error.msg}.") from error
    if takes_budget != (budget is not None):
        wanted = f"a budget: write {family}@1" if takes_budget else f"no budget: write {family}"
        raise InputError(f"METHODS: {family} takes {wanted}; got {name!r}.")
    return method
