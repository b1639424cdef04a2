"""Training of linear outputs: mean squared error in place of the cross-entropy of a softmax."""

import torch
from torch import Tensor
from torch.nn import functional

from models.training import Batch, Training, Update, accuracy_of


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean of (output − 1 for the target, 0 for the others)² over `outputs[batch, labels]`, as one number."""
    return functional.mse_loss(outputs, functional.one_hot(targets, outputs.shape[1]).to(outputs.dtype))


class SquaredErrorTraining(Training):
    """Steps on the squared error alone, without modes of invariance; optimiser and schedule are those of `Training`."""

    def update(self, batch: Batch) -> Update:
        """One step: `loss`, `accuracy`, `learning_rate`."""
        rate = self._set_learning_rate()
        outputs = self.network(batch.images)
        loss = squared_error(outputs, batch.targets)
        metrics = {"loss": loss.item(), "accuracy": accuracy_of(outputs, batch.targets), "learning_rate": rate}
        self._descend(loss)
        self.step += 1
        with torch.no_grad():
            p_true = outputs.gather(1, batch.targets[:, None]).squeeze(1)
        return Update(metrics=metrics, p_true=p_true)
