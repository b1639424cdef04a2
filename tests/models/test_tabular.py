"""A network for tables: rows as inputs, outputs of one number and of classes, and a training step of each."""

import pytest
import torch

from models.invariance import modes_of
from models.settings import PLAIN_LOSS
from models.tabular import TableBatch, TableTraining, TabularNet
from tasks.influence.train import _train_settings
from tests.tasks.influence.toytable import table_params

PARAMS = table_params(width=2)
ROWS = torch.tensor([[0.5, 1.0, 2.0], [-1.0, 0.0, 1.0]])


def network(outputs: int, *, erases: bool = False) -> TabularNet:
    torch.manual_seed(0)
    return TabularNet(PARAMS.influence, numbers=1, sizes=[2, 3], outputs=outputs, erases=erases)


def test_inputs_are_numbers_and_then_the_embeddings_of_the_categories():
    net = network(1)
    table = net.categories.weight.detach()
    wanted = torch.stack(
        [torch.cat([ROWS[0, :1], table[1], table[2 + 2]]), torch.cat([ROWS[1, :1], table[0], table[3]])]
    )
    assert torch.equal(net.inputs(ROWS), wanted)
    assert net.owner.tolist() == [0, 1, 1, 2, 2]
    assert table[0].tolist() == table[2].tolist() == [0, 0]  # `other` of both


def test_evidence_is_what_tells_classes_apart():
    net = network(3).eval()
    evidence = net.evidence(net.inputs(ROWS))
    torch.testing.assert_close(evidence.sum(1), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(evidence.softmax(1), net(ROWS).softmax(1))


@pytest.mark.parametrize("mode", ["erm", "reversal", "conditional", "ascent", "coral", "erasure"])
@pytest.mark.parametrize("number", [True, False])
def test_every_mode_trains_classes_and_numbers(mode, number):
    torch.manual_seed(0)
    rows = torch.cat([torch.randn(64, 1), torch.randint(2, (64, 1)), torch.randint(3, (64, 1))], dim=1).float()
    targets = (rows[:, 0] > 0).long()
    batch = TableBatch(
        images=rows,
        targets=targets,
        nuisances={"n": rows[:, 1].long()},
        pairs=torch.full((64,), -1),
        numbers=rows[:, 0] if number else None,
    )
    modes = modes_of(mode)
    net = network(1 if number else 2, erases=mode == "erasure")
    counts = {"n": torch.bincount(targets * 2 + rows[:, 1].long(), minlength=4).view(2, 2)}
    training = TableTraining(
        net, modes, counts=counts, loss=PLAIN_LOSS, train=_train_settings(PARAMS.influence, 64),
        invariance=PARAMS.invariance, steps=60,
    )  # fmt: skip
    losses = [training.fit(batch) for _ in range(60)]
    assert losses[-1] < losses[0] / 3
