"""What a column is, guessed from its name; and what a caller says it is.

The names are those that Lightning, Hugging Face, Keras, fastai, Ultralytics and the trackers write by themselves, and those that people make up.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from tunesmith.errors import CurveError, InputError
from tunesmith.log import direction_of

ROLES = ("step", "epoch", "lr", "train_loss", "valid_loss")
"""What a caller may name a column for."""

_STEPS = (
    "trainer_global_step", "train_global_step", "global_step", "global_steps", "step", "steps", "train_step", "training_step", "iteration", "iterations",
    "iter", "iters", "n_iter", "it", "update", "updates", "num_updates", "batch", "batch_idx", "batches", "_step",
)  # fmt: skip
_MOST_LETTERS = 60
"""Of a column's name in a sentence (our choice)."""
_EPOCHS = ("epoch", "epochs", "train_epoch", "trainer_epoch", "current_epoch", "epoch_num", "epoch_number", "epoch_idx", "epoch_index")
_LRS = ("lr", "learning_rate", "learningrate")
_NOT_LR = frozenset({"momentum", "decay", "weight", "scale", "mult", "multiplier", "factor", "scheduler", "ratio"})
_TRAIN, _VALID, _TEST = (
    frozenset({"train", "training", "trn", "tr"}),
    frozenset({"val", "valid", "validation", "eval", "evaluation", "dev", "holdout"}),
    frozenset({"test", "testing", "tst"}),
)
_LOSSES = ("total_loss", "loss_total", "nll", "nll_loss", "ce", "ce_loss", "cross_entropy", "cross_entropy_loss", "xent", "criterion", "objective", "cost")
_CRITERIA = ("mse", "mean_squared_error", "bce", "binary_crossentropy", "logloss", "huber", "mae", "l1", "l2", "rmse")
_JOINED = re.compile(r"^(train|training|trn|val|valid|validation|eval|dev|test)(loss|acc|accuracy|err|error|ppl|perplexity|f1|auc|mse|mae|rmse|iou|dice|lr)$")
"""Split and quantity in one word: "trainloss"."""
_BOOKKEEPING = frozenset(
    {
        "time", "timestamp", "seconds", "second", "secs", "sec", "runtime", "duration", "elapsed", "eta", "wall", "flos", "flops", "memory", "mem",
        "gpu", "cpu", "tokens", "samples", "examples", "throughput", "momentum", "decay", "grad", "gradient", "gradients", "norm", "seed", "index",
        "unnamed", "system", "param", "params", "parameter", "parameters", "best", "patience", "speed", "fps", "num", "size", "count",
        "std", "stdev", "stddev", "stderr", "var", "min", "max", "lowest", "highest", "delta", "scale", "scaler", "ratio",
    }
)  # fmt: skip


class Split(IntEnum):
    """Which data a column speaks of."""

    TRAIN = 0
    VALID = 1
    TEST = 2
    UNSAID = 3


class _Grain(IntEnum):
    STEP = 0
    UNSAID = 1
    EPOCH = 2


@dataclass(frozen=True, kw_only=True)
class Name:
    """A column's name, taken apart.

    Example:
        >>> parse("val_loss_epoch").core, parse("Loss/train").core, parse("validation accuracy").split.name
        ('loss', 'loss', 'VALID')
    """

    raw: str
    split: Split
    core: str
    grain: int


@dataclass(frozen=True, kw_only=True)
class Roles:
    """What the columns are.

    Attributes:
        step, epoch, lr, train_loss, valid_loss: A column, or None.
        train_metrics, valid_metrics: Name → column.
        notes: Where the guess is doubtful.
    """

    step: str | None
    epoch: str | None
    lr: str | None
    train_loss: str | None
    valid_loss: str | None
    train_metrics: dict[str, str]
    valid_metrics: dict[str, str]
    notes: tuple[str, ...]


def parse(raw: str) -> Name:
    """Take a name apart."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z]{2})(?=[A-Z][a-z])", "_", raw).lower())
    tokens = [part for word in words if word for part in _JOINED.sub(r"\1 \2", word).split()]
    split = Split.UNSAID
    for candidate, names in ((Split.TRAIN, _TRAIN), (Split.VALID, _VALID), (Split.TEST, _TEST)):
        if not names.isdisjoint(tokens):
            split = candidate
            tokens = [token for token in tokens if token not in names] or tokens
            break
    grain = _Grain.STEP if "step" in tokens else _Grain.EPOCH if "epoch" in tokens else _Grain.UNSAID
    core = [token for token in tokens if token not in ("step", "epoch", "avg", "mean", "average", "metrics")] or tokens
    return Name(raw=raw, split=split, core="_".join(core), grain=grain)


def plain(raw: str) -> str:
    """A name in small letters, words joined by "_"; a "_" that it begins with stays."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", raw.strip())
    joined = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
    return "_" + joined if raw.startswith("_") else joined


def is_axis(raw: str) -> bool:
    """Whether a column by its name says where a row stands: step, epoch, learning rate."""
    return plain(raw) in (*_STEPS, *_EPOCHS) or _lr_rank(parse(raw)) is not None


def is_lr(raw: str) -> bool:
    """Whether a column by its name holds learning rates."""
    return _lr_rank(parse(raw)) is not None


def check_roles(columns: Mapping[str, str] | None) -> Mapping[str, str]:
    """What a caller says of the columns, or nothing.

    Raises:
        InputError: A role that there is not.
    """
    for role in columns or {}:
        if role not in ROLES:
            raise InputError(f"columns must name {', '.join(ROLES[:-1])} or {ROLES[-1]}, got {role!r}. Pass, say, columns={{'valid_loss': 'my column'}}.")
    return columns or {}


def guess_axis(names: Iterable[str], given: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The columns of the step and of the epoch."""
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(plain(name), name)
    found = [next((by_plain[name] for name in known if name in by_plain), None) for known in (_STEPS, _EPOCHS)]
    for at, role in enumerate(("step", "epoch")):
        if role in given:
            found[at] = given[role] or None
    return found[0], found[1]


def guess_roles(counts: Mapping[str, int], given: Mapping[str, str]) -> Roles:
    """What the columns are.

    Args:
        counts: Column → how many numbers it holds.
        given: Role → column, where a caller says so; "" for a role that is not to be read.

    Raises:
        CurveError: A caller names a column that there is not.

    Example:
        >>> roles = guess_roles({"epoch": 9, "loss": 9, "val_loss": 9, "accuracy": 9, "val_accuracy": 9, "learning_rate": 9}, {})
        >>> roles.train_loss, roles.valid_loss, roles.lr, roles.train_metrics, roles.valid_metrics
        ('loss', 'val_loss', 'learning_rate', {'accuracy': 'accuracy'}, {'accuracy': 'val_accuracy'})
    """
    for role, column in given.items():
        if column and column not in counts:
            raise CurveError(f"columns (typed: --columns) must name columns that the log has, got {column!r} for {role}. It has {listed(counts)}.")
    step, epoch = guess_axis(counts, given)
    taken = {step, epoch, *(column for column in given.values() if column)}
    names = [parse(name) for name, count in counts.items() if count and name not in taken and plain(name) not in (*_STEPS, *_EPOCHS)]
    notes: list[str] = []

    def pick(role: str, candidates: Iterable[tuple[tuple[int, ...], str]]) -> str | None:
        if role in given:
            return given[role] or None
        ranked = sorted(((counts[name] == 1, *rank), name) for rank, name in candidates)  # one lonely number is a summary
        best = [name for rank, name in ranked if rank[:2] == ranked[0][0][:2]]
        if len(best) > 1 and ranked[0][0][1]:
            notes.append(f"Several columns may be the {role} ({listed(best)}); read is {best[0]}.")
        return best[0] if best else None

    lr = pick("lr", [((rank, at), name.raw) for at, name in enumerate(names) if (rank := _lr_rank(name)) is not None])
    losses = [(at, name, rank) for at, name in enumerate(names) if (rank := _loss_rank(name)) is not None]
    if not losses and not {"train_loss", "valid_loss"} & set(given):
        losses = _criteria(names)
        notes += [f"No column is called a loss; {losses[0][1].core} is read as one."] if losses else []
    train = [((rank, name.split, name.grain, at), name.raw) for at, name, rank in losses if name.split in (Split.TRAIN, Split.UNSAID)]
    train_loss = pick("train_loss", train)
    held_out = Split.VALID if any(name.split is Split.VALID for name in names) or "valid_loss" in given else Split.TEST
    valid_loss = pick("valid_loss", [((rank, -name.grain, at), name.raw) for at, name, rank in losses if name.split is held_out])
    metrics = [name for name in names if name.raw not in (lr, train_loss, valid_loss) and _is_metric(name) and not _is_same_loss(name)]
    valid_metrics = {name.core: name.raw for name in metrics if name.split is held_out}
    train_metrics = {name.core: name.raw for name in metrics if name.split is Split.TRAIN}
    for name in metrics:  # a bare name is the training's where "val_…" or only a training loss stands beside it, as in Keras; else the validation's
        if name.split is Split.UNSAID:
            is_training = name.core in valid_metrics or (valid_loss is None and train_loss is not None) or "loss" in name.core
            home = train_metrics if is_training else valid_metrics
            home.setdefault(name.core, name.raw)
    return Roles(
        step=step, epoch=epoch, lr=lr, train_loss=train_loss, valid_loss=valid_loss,
        train_metrics=train_metrics, valid_metrics=valid_metrics, notes=tuple(notes),
    )  # fmt: skip


def listed(names: Iterable[str], *, most: int = 12) -> str:
    """Names for a sentence, not too many, none too long.

    Example:
        >>> listed("abcd", most=2), listed([])
        ('a, b and 2 more', 'no columns')
    """
    shown = [name if len(name) <= _MOST_LETTERS and name.isprintable() else ascii(name)[:_MOST_LETTERS] for name in names]
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return (", ".join(shown[:most]) + rest) or "no columns"


def _lr_rank(name: Name) -> int | None:
    tokens = set(name.core.split("_"))
    if name.core in _LRS:
        return 0
    if re.fullmatch(r"(.*_)?lr\d", name.core):  # a group's, as YOLOv5 writes it
        return 1
    begins_or_ends = any(name.core.startswith(f"{lr}_") or name.core.endswith(f"_{lr}") for lr in _LRS)
    return 1 if begins_or_ends and tokens.isdisjoint(_NOT_LR) else None


def _loss_rank(name: Name) -> int | None:
    if name.core == "loss":
        return 0
    if name.core in _LOSSES:
        return 1
    tokens = name.core.split("_")
    return 2 if "loss" in (tokens[0], tokens[-1]) and _BOOKKEEPING.isdisjoint(tokens) else None


def _criteria(names: Sequence[Name]) -> list[tuple[int, Name, int]]:
    """What a training without a loss in its log may have minimised: one and the same quantity, of the validation where there is one."""
    found = [name for name in names if name.core in _CRITERIA and name.split is not Split.TEST]
    chosen = min(found, key=lambda name: (name.split is not Split.VALID, _CRITERIA.index(name.core)), default=None)
    return [(at, name, 1) for at, name in enumerate(names) if chosen and name.core == chosen.core]


def _is_metric(name: Name) -> bool:
    tokens = set(name.core.split("_"))
    if not tokens.isdisjoint(_BOOKKEEPING) or _lr_rank(name) is not None or "per" in tokens:
        return False
    return name.split is not Split.UNSAID or "score" in tokens or direction_of(name.core) is not None


def _is_same_loss(name: Name) -> bool:
    """Whether it is the loss once more, such as `train_loss_epoch` beside `train_loss_step`."""
    return name.core == "loss"
