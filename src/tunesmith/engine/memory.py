"""How much memory is there, and how much did an update take: on an accelerator by its allocator, on the CPU by what the system counts for this process."""

import ctypes
import gc
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import torch

from tunesmith.errors import InputError

UNKNOWN_HOST_SHARE = 0.5
"""Where the system does not say how much memory is free, this share of all there is counts as free (our choice)."""
_KIB = 1024
_RESET_PEAK = "5"  # proc(5): writing it to clear_refs sets the high-water mark to what is resident now
_SURE = re.compile(
    r"\b(CUDA|HIP|XPU|MPS)\b[^\n]*out of memory"
    r"|can't allocate memory: you tried to allocate|not enough memory: you tried to allocate"  # torch's allocator on the CPU; the second on Windows
    r"|(CUBLAS|CUDNN|CUSOLVER|CUSPARSE)_STATUS_(INTERNAL_ERROR_DEVICE_)?ALLOC(ATION)?_FAILED|CUFFT_ALLOC_FAILED"
)
_PERHAPS = re.compile(r"CUDNN_STATUS_NOT_SUPPORTED|(CUBLAS|CUDNN)_STATUS_NOT_INITIALIZED|unable to find an engine to execute", re.IGNORECASE)


class DeviceMemory(Protocol):
    """Memory of one device: the seam where a test puts a made-up one."""

    @property
    def raises_when_full(self) -> bool:
        """Whether running out is an exception. False where it ends the process, so that it must not be tried."""
        ...

    @property
    def updates_to_settle(self) -> int:
        """Updates of one size until the highest use stays about what it is."""
        ...

    def available_bytes(self) -> int:
        """Bytes that could be taken on top of what is in use."""
        ...

    def used_bytes(self) -> int:
        """Bytes in use by this process; 0 where that cannot be known."""
        ...

    def reset_peak(self) -> None:
        """Begin to look for the highest use anew."""
        ...

    def peak_bytes(self) -> int:
        """Highest use since `reset_peak`."""
        ...

    def release(self) -> None:
        """Give back what is no longer used. Call it where no exception is held: its traceback keeps tensors."""
        ...


def memory_of(device: torch.device) -> DeviceMemory:
    """How memory of `device` is measured.

    Raises:
        InputError: A device of another kind than CUDA and CPU.
    """
    if device.type == "cuda":
        return CudaMemory(device)
    if device.type == "cpu":
        return HostMemory()
    raise InputError(f"What fits is measured on devices of kind cuda and cpu, got {device.type}. Set Task.micro_batch_size to what you know to fit.")


class CudaMemory:
    """What torch's allocator holds for tensors. Its statistics of the highest use are the process's own and are reset.

    Args:
        device: Of kind CUDA.
    """

    raises_when_full = True
    updates_to_settle = 1

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def available_bytes(self) -> int:
        """What is free on the device, and what the allocator has and does not use; no more than this process's allowed share of the device."""
        free_bytes, total_bytes = torch.cuda.mem_get_info(self._device)
        unused_bytes = torch.cuda.memory_reserved(self._device) - self.used_bytes()
        allowed_share = getattr(torch.cuda, "get_per_process_memory_fraction", None)  # newer than the oldest torch that we take
        allowed_bytes = total_bytes if allowed_share is None else round(allowed_share(self._device) * total_bytes)
        return min(free_bytes + unused_bytes, allowed_bytes - self.used_bytes())

    def used_bytes(self) -> int:
        """Bytes of tensors."""
        return int(torch.cuda.memory_allocated(self._device))

    def reset_peak(self) -> None:
        """Begin to look for the highest use anew."""
        torch.cuda.reset_peak_memory_stats(self._device)

    def peak_bytes(self) -> int:
        """Most bytes of tensors since `reset_peak`."""
        return int(torch.cuda.max_memory_allocated(self._device))

    def release(self) -> None:
        """Collect what is unreachable, and hand the allocator's unused blocks back."""
        gc.collect()
        torch.cuda.synchronize(self._device)
        with torch.cuda.device(self._device):
            torch.cuda.empty_cache()


class HostMemory:
    """What is resident of this process, as the system counts it; processes of a loader are not in it.

    On Linux the high-water mark is set back before each look, which also sets back `ru_maxrss`. Where that is not possible, the highest use of the process's
    whole life is all that is known: what an update took is then overstated, so that less is found to fit than does.

    Args:
        root: Of the file system that holds `proc` and `sys`.
    """

    raises_when_full = False
    updates_to_settle = 2  # the C library's heap has holes: the second update of a convolutional network took up to 1.3 times what the first did

    def __init__(self, *, root: Path = Path("/")) -> None:
        self._root = root
        self._process = root / "proc" / "self"

    def available_bytes(self) -> int:
        """The least of what the system has available and what the process's control groups (version 1 or 2) leave; swap does not count."""
        available = _kib_of(self._root / "proc" / "meminfo", "MemAvailable")
        if available is None:
            return round(UNKNOWN_HOST_SHARE * _installed_bytes())
        return max(0, min(available, *_left_by_groups(self._root), available))

    def used_bytes(self) -> int:
        """Resident bytes; 0 where the system does not tell, so that all of the highest use counts as an update's."""
        return _kib_of(self._process / "status", "VmRSS") or 0

    def reset_peak(self) -> None:
        """Begin to look for the highest use anew, where the system can."""
        try:
            (self._process / "clear_refs").write_text(_RESET_PEAK, encoding="ascii")
        except OSError:
            return  # see the class: `peak_bytes` is then that of the whole life

    def peak_bytes(self) -> int:
        """Most resident bytes since `reset_peak`, or ever where that could not be set back."""
        peak = _kib_of(self._process / "status", "VmHWM")
        return _lifelong_peak_bytes() if peak is None else peak

    def release(self) -> None:
        """Have the C library hand free memory back, where it can.

        What is unreachable is not collected: in a large process that takes a second, and what stays for it makes less fit, never more.
        """
        if sys.platform == "linux":
            trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl does not
            if trim is not None:
                trim(0)


def is_out_of_memory(error: BaseException, *, smaller_went_through: bool) -> bool:
    """Whether `error` says that memory ran out: torch's own exception, Python's, or a library's message.

    Args:
        error: What an update raised.
        smaller_went_through: Whether a smaller batch did. cuDNN finds no algorithm, and cuBLAS no workspace, where memory is short, and also for reasons of
            their own: only where a smaller batch went through are such messages taken for lack of memory.

    Example:
        >>> is_out_of_memory(RuntimeError("CUDA error: out of memory"), smaller_went_through=False)
        True
        >>> is_out_of_memory(RuntimeError("CUDA error: an illegal memory access was encountered"), smaller_went_through=True)
        False
    """
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    if not isinstance(error, RuntimeError):
        return False
    return bool(_SURE.search(str(error)) or (smaller_went_through and _PERHAPS.search(str(error))))


def _kib_of(path: Path, name: str) -> int | None:
    """Bytes in a line "name: N kB"; None where there is no such file or line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return None if found is None else int(found[1]) * _KIB


def _left_by_groups(root: Path) -> Iterator[int]:
    """Bytes that each control group of this process leaves, up to the root; files that the system can drop do not count as used."""
    try:
        lines = (root / "proc" / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, inside = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        mounted = root / "sys" / "fs" / "cgroup" / ("memory" if controllers else "")
        limit, used, files = (
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file") if controllers else ("memory.max", "memory.current", "inactive_file")
        )
        own = mounted / inside.lstrip("/")
        for folder in (own, *own.parents):
            if folder.is_relative_to(mounted) and (left := _left_by_group(folder, (limit, used), files=files)) is not None:
                yield left


def _left_by_group(folder: Path, names: tuple[str, str], *, files: str) -> int | None:
    try:
        limit, used = ((folder / name).read_text(encoding="ascii").strip() for name in names)
        stat = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
    except OSError:
        return None
    return None if limit == "max" else int(limit) - (int(used) - int(stat.get(files, 0)))


def _installed_bytes() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError) as error:
        raise InputError("What fits cannot be measured where the system does not say how much memory it has. Set Task.micro_batch_size.") from error


def _lifelong_peak_bytes() -> int:
    """Highest use of this process's life; macOS counts bytes where others count KiB."""
    import resource  # noqa: PLC0415 (there is none on Windows)

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else _KIB)
