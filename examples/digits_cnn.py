"""Handwritten digits of 8 by 8 pixels told by a small CNN; those that it tells wrong are drawn.

python examples/digits_cnn.py
"""

import argparse

import numpy as np

import calligrad
from calligrad import nn, optim
from calligrad.data import ArrayDataset, DataLoader, Transformed, stratified_split
from calligrad.data.transforms import RandomCrop
from calligrad.train import Accuracy, Trainer


def cnn():
    """Two convolutions at full size, one at half, and a linear layer."""
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()),  # 32 x 8 x 8
        *(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),  # 32 x 4 x 4
        *(nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU()),  # 64 x 4 x 4
        *(nn.Flatten(), nn.Dropout(0.3), nn.Linear(1024, 10)),
    )


def main(epochs=15, seed=0, picture=None):
    """Train on four fifths of the 1797 digits, and tell the rest; each class has its share in both parts."""
    calligrad.random.seed(seed)
    images, labels = calligrad.data.load("digits")
    digits = ArrayDataset(images[:, None], labels)
    training, test = stratified_split(digits, labels, [0.8, 0.2], seed=seed)
    moved = Transformed(training, RandomCrop(8, padding=1))
    training = DataLoader(moved, batch_size=64, shuffle=True, seed=seed)
    held_out = DataLoader(test, batch_size=len(test))

    model = cnn()
    optimizer = optim.AdamW(model.parameters(), lr=0.003)
    schedule = optim.CosineAnnealingLR(optimizer, epochs)
    trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics=Accuracy(), schedule=schedule, seed=seed)
    trainer.fit(training, epochs=epochs)

    (pixels, truth), told = next(iter(held_out)), trainer.predict(held_out).argmax(1)
    wrong = np.flatnonzero(told != truth)
    accuracy = 1 - len(wrong) / len(truth)
    print(f"{accuracy:.2%} of {len(truth)} digits that it never saw are told right")
    for i in wrong:
        print(f"a {truth[i]} that it takes for a {told[i]}")
    if picture and len(wrong):
        draw(pixels[wrong[:10], 0], truth[wrong], told[wrong], picture)
    return {"accuracy": accuracy, "wrong": wrong}


def draw(pixels, truth, told, path):
    """Save pictures of digits that are told wrong."""
    import matplotlib.pyplot as plt

    _, places = plt.subplots(1, len(pixels), figsize=(1.6 * len(pixels), 2), squeeze=False, layout="constrained")
    for place, image, true, seen in zip(places[0], pixels, truth, told):
        place.imshow(image, "gray_r")
        place.set_axis_off()
        place.set_title(f"{true}, told as {seen}", size=9)
    plt.savefig(path, dpi=150)
    plt.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--picture", default="digits_cnn.png", help="where those told wrong are drawn")
    args = parser.parse_args()
    main(args.epochs, picture=args.picture)
