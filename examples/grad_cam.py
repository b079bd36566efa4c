"""Where a CNN looks, and how it is fooled: Grad-CAM, adversarial pictures, and noise that it takes for clothes.

    python examples/fashion_mnist.py cnn --folder runs/cnn
    python examples/grad_cam.py runs/cnn

If the folder has no CNN yet, one is trained there first. All three are gradients of the same network, not with respect
to its weights but to its maps or its picture:

- Grad-CAM weights the maps of the last convolution by the mean slope of a class's score along each of them.
  Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization",
  arXiv:1610.02391.
- An adversarial picture is one step along the sign of the loss's gradient away from a true one.
  Goodfellow, Shlens and Szegedy, "Explaining and harnessing adversarial examples", arXiv:1412.6572.
- A fooling picture is noise that went uphill until the network is sure.
  Nguyen, Yosinski and Clune, "Deep neural networks are easily fooled", arXiv:1412.1897.
"""

import argparse
from pathlib import Path

import numpy as np
from fashion_mnist import MEAN, STD
from fashion_mnist import main as trained

import calligrad
from calligrad import grad
from calligrad.data.transforms import Pad, Resize
from calligrad.nn.functional import cross_entropy, log_softmax

NAMES = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]


def scores(model, pixels):
    """The scores (n, 10) of pictures (n, 1, 28, 28) whose pixels are 0 to 1."""
    return model((pixels - MEAN) / STD)


def told(model, pixels):
    """The likeliest classes (n,) and their probabilities (n,)."""
    logs = log_softmax(scores(model, pixels), axis=1).data
    return logs.argmax(1), np.exp(logs.max(1))


def grad_cam(model, pixels, labels):
    """Where the pictures (n, 1, 28, 28) look like ``labels``: (n, 28, 28), from 0 to 1 in each of them."""
    convolutions, rest = model[:5], model[5:]  # up to the second ReLU, and from the pooling on
    maps = scores(convolutions, pixels).data  # (n, 32, 10, 10)
    slopes = grad(lambda maps: np.sum(rest(maps)[np.arange(len(labels)), labels]))(maps)
    weights = slopes.mean(axis=(2, 3), keepdims=True)
    heat = np.maximum(0, np.sum(weights * maps, axis=1))
    heat = Pad(4)(Resize(20)(heat))  # each place stands on 2 by 2 pixels, from the 4th on
    return heat / np.maximum(heat.max(axis=(1, 2), keepdims=True), 1e-12)


def adversarial(model, pixels, labels, size):
    """The pictures, each pixel changed by ``size`` to where the loss grows."""
    uphill = grad(lambda pixels: cross_entropy(scores(model, pixels), labels, reduction="sum"))(pixels)
    return np.clip(pixels + np.float32(size) * np.sign(uphill), 0, 1)


def fooling(model, labels, steps=100, rate=0.02, seed=0):
    """Noise (n, 1, 28, 28) changed until it is told as ``labels``."""
    pixels = np.random.default_rng(seed).random((len(labels), 1, 28, 28), np.float32)
    uphill = grad(lambda pixels: -cross_entropy(scores(model, pixels), labels, reduction="sum"))
    for _ in range(steps):
        pixels = np.clip(pixels + np.float32(rate) * np.sign(uphill(pixels)), 0, 1)
    return pixels


def hidden(pixels, heat, share=0.2):
    """The pictures with the hottest ``share`` of their pixels made grey."""
    order = np.argsort(heat.reshape(len(heat), -1), axis=1)
    changed = pixels.reshape(len(pixels), -1).copy()
    np.put_along_axis(changed, order[:, -int(share * order.shape[1]) :], 0.5, axis=1)
    return changed.reshape(pixels.shape)


def main(folder=None, data=None, picture=None, epochs=None):
    """Take the CNN of ``folder``; measure what the pictures show on 1000 test images; draw one of each class."""
    data = data or [calligrad.data.load("fashion_mnist", part) for part in ("train", "test")]
    if folder is None or not any(Path(folder).glob("*")):
        print(f"there is no run in {folder}: a CNN is trained there first, which takes about five minutes", flush=True)
    model = trained("cnn", epochs, folder, data)["model"].eval().requires_grad_(False)  # the weights are constants now
    images, labels = (array[:1000] for array in data[1])
    pixels = images[:, None] / np.float32(255)
    right = lambda pixels: np.mean(told(model, pixels)[0] == labels)  # noqa: E731

    heat = grad_cam(model, pixels, labels)
    found = {"right": right(pixels)}
    print(f"told right: {found['right']:.1%} of {len(labels)} test images;")
    random = np.random.default_rng(0).random(heat.shape)
    for name, order in {"hottest": heat, "coldest": -heat, "random": random}.items():
        found[name] = right(hidden(pixels, order))
        print(f"  {found[name]:.1%} with a fifth of the pixels made grey: the {name} ones")
    for size in (4, 8, 16):
        found[size] = right(adversarial(model, pixels, labels, size / 255))
        print(f"  {found[size]:.1%} with each pixel changed by {size} of 255 along the sign of the gradient")
    classes = np.arange(10)
    seen, sure = told(model, noise := fooling(model, classes))
    found["fooled"] = np.mean(seen == classes), sure.min()
    print(f"noise that went uphill: {found['fooled'][0]:.0%} told as what it aimed at, at least {sure.min():.2%} sure")
    if picture:
        first = np.array([np.flatnonzero(labels == k)[0] for k in classes])
        draw(model, pixels[first], heat[first], adversarial(model, pixels[first], classes, 16 / 255), noise, picture)
    return found


def draw(model, pixels, heat, changed, noise, path):
    """Save a column for each class: a picture, where the CNN looks, the picture changed, and noise."""
    import matplotlib.pyplot as plt

    _, places = plt.subplots(4, 10, figsize=(14, 6.4), layout="constrained")
    for row, images in zip(places, (pixels, pixels, changed, noise)):
        for k, (place, image, kind, sure) in enumerate(zip(row, images, *told(model, images))):
            place.imshow(image[0], "gray", vmin=0, vmax=1)
            place.set(xticks=[], yticks=[])
            place.set_title(f"{NAMES[kind]} {sure:.0%}", size=9, color="black" if kind == k else "firebrick")
    for place, warm in zip(places[1], heat):
        place.set_title("")
        place.imshow(warm, "inferno", alpha=0.65, vmin=0, vmax=1)
    for row, name in zip(places, ("test image", "Grad-CAM", "changed by 16 of 255", "noise gone uphill")):
        row[0].set_ylabel(name)
    plt.savefig(path, dpi=120)
    plt.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="where the CNN of fashion_mnist.py is kept")
    parser.add_argument("--picture", default="grad_cam.png", help="where the pictures go")
    args = parser.parse_args()
    try:
        open(args.picture, "ab").close()  # what cannot be written must not fail after the training
    except OSError as error:
        parser.error(f"--picture: {error}")
    main(args.folder, picture=args.picture)
