"""The networks that read the same for calligrad and PyTorch: ``nn`` is the one's or the other's."""

from __future__ import annotations

from itertools import pairwise
from typing import Any


def mlp(nn: Any, *widths: int) -> Any:
    """Linear layers with ReLUs between them."""
    parts = [part for n, m in pairwise(widths) for part in (nn.Linear(n, m), nn.ReLU())]
    return nn.Sequential(*parts[:-1])


def cnn(nn: Any) -> Any:
    """28 x 28 to 26, 24, 12, and 64 * 12 * 12 = 9,216 numbers."""
    images = nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    return nn.Sequential(*images, nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))


def resnet(nn: Any, width: int = 32) -> Any:
    """He and others, "Deep residual learning for image recognition", arXiv:1512.03385, without changes of size."""

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            first = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
            second = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
            self.inner = nn.Sequential(*first, *second)
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(x + self.inner(x))

    stem = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)
    return nn.Sequential(*stem, Residual(), Residual(), Residual(), *head)


def lstm(nn: Any) -> Any:
    """A sequence's class by the last state."""

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(64, 128, batch_first=True)
            self.head = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            states, _ = self.lstm(x)
            return self.head(states[:, -1])

    return Classifier()


def model(name: str, nn: Any) -> Any:
    """The network of a problem, for those that are written once."""
    if name == "article":
        return mlp(nn, 1, 4, 4, 1)
    if name == "mlp":
        return mlp(nn, 784, 256, 128, 10)
    if name == "deep":
        return mlp(nn, *51 * [512])
    return {"cnn": cnn, "resnet": resnet, "lstm": lstm}[name](nn)


def decayed(model: Any) -> list[dict[str, Any]]:
    """AdamW's groups: it shrinks the matrices alone."""
    matrices = [p for p in model.parameters() if p.ndim == 2]
    scales = [p for p in model.parameters() if p.ndim == 1]
    return [{"params": matrices, "weight_decay": 0.1}, {"params": scales, "weight_decay": 0.0}]
