"""For tests that train or detect over and over."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Leave one thread to PyTorch: two would wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
