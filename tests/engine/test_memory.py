"""How memory is measured: files of a made-up system, this process's own, and which exceptions say that it ran out."""

from pathlib import Path

import pytest
import torch

from tunesmith.engine.memory import HostMemory, is_out_of_memory, memory_of
from tunesmith.errors import InputError

KIB, MIB = 1024, 1024**2
ONLY_LINUX = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs /proc")


def system(folder: Path, files: dict[str, str]) -> HostMemory:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return HostMemory(root=folder)


MEMINFO = {"proc/meminfo": "MemTotal:  2048 kB\nMemFree: 100 kB\nMemAvailable:  1000 kB\n"}


def test_without_groups_the_system_decides(tmp_path: Path) -> None:
    assert system(tmp_path, MEMINFO).available_bytes() == 1000 * KIB


def test_a_group_of_version_2_and_those_above_it(tmp_path: Path) -> None:
    own, above = "sys/fs/cgroup/slice/job", "sys/fs/cgroup/slice"
    files = MEMINFO | {
        "proc/self/cgroup": "0::/slice/job\n",
        f"{own}/memory.max": "max\n", f"{own}/memory.current": "10\n", f"{own}/memory.stat": "inactive_file 3\n",
        f"{above}/memory.max": "900000\n", f"{above}/memory.current": "400000\n", f"{above}/memory.stat": "anon 1\ninactive_file 100000\n",
    }  # fmt: skip
    assert system(tmp_path, files).available_bytes() == 600_000  # the files that can be dropped are free


def test_a_group_of_version_1(tmp_path: Path) -> None:
    own = "sys/fs/cgroup/memory/job"
    files = MEMINFO | {
        "proc/self/cgroup": "5:cpu:/job\n4:memory:/job\n0::/\n",
        f"{own}/memory.limit_in_bytes": "700000\n", f"{own}/memory.usage_in_bytes": "200000\n", f"{own}/memory.stat": "total_inactive_file 50000\n",
    }  # fmt: skip
    assert system(tmp_path, files).available_bytes() == 550_000


def test_a_container_shows_its_group_as_the_root(tmp_path: Path) -> None:
    top = "sys/fs/cgroup"
    files = MEMINFO | {
        "proc/self/cgroup": "0::/not/mounted/here\n",
        f"{top}/memory.max": "500000\n", f"{top}/memory.current": "600000\n", f"{top}/memory.stat": "inactive_file 0\n",
    }  # fmt: skip
    assert system(tmp_path, files).available_bytes() == 0  # more in use than allowed is nothing left


def test_a_system_that_does_not_tell(tmp_path: Path) -> None:
    memory = HostMemory(root=tmp_path)
    memory.reset_peak()
    assert memory.available_bytes() > 0
    assert memory.used_bytes() == 0
    assert memory.peak_bytes() > 10 * MIB


@ONLY_LINUX
def test_the_peak_of_this_process_goes_up_and_can_be_set_back() -> None:
    memory = memory_of(torch.device("cpu"))
    assert not memory.raises_when_full
    memory.release()
    memory.reset_peak()
    before = memory.peak_bytes()
    torch.ones(100 * MIB // 4).sum()
    grown = memory.peak_bytes() - before
    assert 90 * MIB < grown < 120 * MIB
    memory.release()  # a large heap keeps what it has
    memory.reset_peak()
    assert memory.peak_bytes() - before < 20 * MIB
    assert memory.used_bytes() > before / 2
    assert memory.available_bytes() > 0


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        MemoryError(),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."),
    ],
)
def test_what_says_that_memory_ran_out(error: BaseException) -> None:
    assert is_out_of_memory(error, smaller_went_through=False)


@pytest.mark.parametrize("text", ["cuDNN error: CUDNN_STATUS_NOT_SUPPORTED.", "GET was unable to find an engine to execute this computation"])
def test_what_may_say_so_counts_only_above_a_size_that_went_through(text: str) -> None:
    assert is_out_of_memory(RuntimeError(text), smaller_went_through=True)
    assert not is_out_of_memory(RuntimeError(text), smaller_went_through=False)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("CUDA error: device-side assert triggered"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("CUDA out of memory"),
    ],
)
def test_everything_else_is_something_else(error: BaseException) -> None:
    assert not is_out_of_memory(error, smaller_went_through=True)


def test_torchs_own_words_on_this_machine() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**16)
    assert is_out_of_memory(caught.value, smaller_went_through=False)


def test_a_device_that_is_not_measured() -> None:
    with pytest.raises(InputError, match=r"of kind cuda and cpu, got meta\. Set Task.micro_batch_size"):
        memory_of(torch.device("meta"))
