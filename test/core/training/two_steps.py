"""Run by torchrun: makes two steps with the batches of its rank and writes the network that comes of it."""

import pickle
import sys
from pathlib import Path

import torch

from emiff_core.model import weights
from emiff_core.model.emiff import Emiff
from emiff_core.training.processes import join
from emiff_core.training.trainer import Trainer


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    detector, training, batches_of_rank = pickle.loads((folder / 'input.pkl').read_bytes())
    with join(torch.device('cpu')) as processes:
        model = Emiff(detector)
        weights.initialise(model, 0)
        trainer = Trainer(model, training, 2, processes)
        for batch in batches_of_rank[processes.rank]:
            trainer.train_step([batch])
        torch.save(trainer.network.state_dict(), folder / f'{processes.rank}.pt')


if __name__ == '__main__':
    main(Path(sys.argv[1]))
