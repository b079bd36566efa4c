"""Pictures of ten kinds of clothes, 28 by 28 grey pixels: an MLP, a CNN like LeNet and a small ResNet on Fashion-MNIST.

    python examples/fashion_mnist.py mlp
    python examples/fashion_mnist.py cnn
    python examples/fashion_mnist.py resnet --folder runs/resnet

With --folder the run is kept there: stop it when you like, and the same command goes on with it.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import calligrad
from calligrad import nn, optim
from calligrad.data import ArrayDataset, DataLoader, Transformed
from calligrad.data.transforms import Compose, Normalize, RandomCrop, RandomHorizontalFlip, ToFloat
from calligrad.train import Accuracy, Trainer

MEAN, STD = 0.286, 0.353  # of the training images, black being 0 and white 1


def mlp():
    """Two hidden layers."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )


def cnn():
    """Convolve, halve, convolve, halve, and two linear layers, as in LeCun's LeNet-5, with today's ReLU."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),  # 16 x 14 x 14
        *(nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2)),  # 32 x 5 x 5
        *(nn.Flatten(), nn.Linear(800, 128), nn.ReLU(), nn.Linear(128, 10)),
    )


class Block(nn.Module):
    """Two convolutions that learn what to add to their input.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", arXiv:1512.03385.
    """

    def __init__(self, channels, new_channels, stride):
        self.first = convolution(channels, new_channels, 3, stride)
        self.second = convolution(new_channels, new_channels, 3)
        same = stride == 1 and channels == new_channels
        self.shortcut = nn.Identity() if same else convolution(channels, new_channels, 1, stride)
        self.relu = nn.ReLU()

    def forward(self, x):
        change = self.second(self.relu(self.first(x)))
        return self.relu(self.shortcut(x) + change)


def convolution(channels, new_channels, size, stride=1):
    """A convolution and the norm after it, whose bias makes another one needless."""
    conv = nn.Conv2d(channels, new_channels, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(new_channels))


def resnet():
    """Seven convolutions, on 14 by 14 places from the first one on: that is where the time goes."""
    return nn.Sequential(
        *(convolution(1, 32, 5, stride=2), nn.ReLU()),  # 32 x 14 x 14
        *(Block(32, 32, 1), Block(32, 64, 2), Block(64, 128, 2)),  # 128 x 4 x 4
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10)),
    )


@dataclass
class Recipe:
    """What is trained, for how long, how fast, and whether on pictures that are moved and mirrored."""

    model: Callable
    epochs: int
    rate: float
    decay: float
    augment: bool


RECIPES = {
    "mlp": Recipe(mlp, 15, 0.1, 1e-4, False),
    "cnn": Recipe(cnn, 5, 0.05, 5e-4, False),
    "resnet": Recipe(resnet, 10, 0.1, 5e-4, True),
}


def dataset(images, labels):
    """The pictures as one channel of floats with mean 0 and deviation 1."""
    return ArrayDataset(Compose(ToFloat(), Normalize(MEAN, STD))(images[:, None]), labels)


def main(name="mlp", epochs=None, folder=None, data=None):
    """Train the model called ``name``; ``data`` are other pictures than Fashion-MNIST's, as two pairs like its."""
    recipe = RECIPES[name]
    epochs = recipe.epochs if epochs is None else epochs
    if epochs < 1:
        raise SystemExit(f"--epochs must be at least 1, not {epochs}")
    calligrad.random.seed(0)
    training, test = data or [calligrad.data.load("fashion_mnist", part) for part in ("train", "test")]
    training, test = dataset(*training), dataset(*test)
    if recipe.augment:
        black = -MEAN / STD
        training = Transformed(training, Compose(RandomCrop(28, padding=1, value=black), RandomHorizontalFlip()))
    training = DataLoader(training, batch_size=128, shuffle=True, seed=0)
    test = DataLoader(test, batch_size=500)

    model = recipe.model()
    print(f"{name}: {sum(p.size for p in model.parameters()):,} parameters, {epochs} epochs")
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=recipe.decay)
    trainer = Trainer(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        metrics=Accuracy(),
        schedule=optim.OneCycleLR(optimizer, recipe.rate, total_steps=epochs * len(training)),
        schedule_per="step",
        run_folder=folder,
    )
    history = trainer.fit(training, test, epochs)
    accuracy = history[-1]["validation_accuracy"]  # of the last epoch: none is chosen by the test images
    print(f"{name}: {accuracy:.2%} of the test images are told right")
    return {"accuracy": accuracy, "model": model, "history": history}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--folder", help="where the run is kept")
    args = parser.parse_args()
    main(args.name, args.epochs, args.folder)
