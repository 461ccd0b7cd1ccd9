import pytest
import torch
from tests.engine.small import plain_net
from torch import nn

from tunesmith.engine.device import SMALL_NETWORK_PARAMETERS, pinned_threads, resolve_device
from tunesmith.errors import InputError

CPU = torch.device("cpu")


class Large(nn.Module):
    """Takes no memory."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(SMALL_NETWORK_PARAMETERS, device="meta"))


def test_a_device_by_its_name() -> None:
    assert resolve_device("cpu") == CPU
    assert resolve_device("auto").type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize("name", ["tpu", "cuda:77", ""])
def test_a_device_that_is_not_there(name: str) -> None:
    with pytest.raises(InputError, match=f"--device must be one that torch can use here, got '{name}'"):
        resolve_device(name)


@pytest.mark.parametrize(("model", "device", "threads"), [(plain_net, "cpu", 1), (Large, "cpu", 2), (plain_net, "cuda", 2)])
def test_small_networks_on_the_cpu_get_one_thread(model: type[nn.Module], device: str, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pinned_threads(model(), torch.device(device)) as pinned:
            assert (pinned, torch.get_num_threads()) == (threads, threads)
        assert torch.get_num_threads() == 2
        with pytest.raises(ValueError, match="boom"), pinned_threads(model(), torch.device(device)):
            raise ValueError("boom")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
