"""Convolutions, transposed convolutions, Fold and Unfold."""

from tests.cases.table import real
from tests.nn.cases.table import function, layer

# ---------------------------------------------------------------- convolutions

layer("Conv1d", lambda nn: nn.Conv1d(3, 4, 3), real(2, 3, 7))
layer("Conv1d without n", lambda nn: nn.Conv1d(3, 4, 3), real(3, 7))
layer("Conv1d stride=2 padding=2", lambda nn: nn.Conv1d(2, 4, 3, stride=2, padding=2), real(2, 2, 8))
layer("Conv1d padding='same' of an even kernel", lambda nn: nn.Conv1d(2, 3, 4, padding="same"), real(2, 2, 6))
layer("Conv1d of a long row", lambda nn: nn.Conv1d(1, 2, 5, padding=1), real(2, 1, 90))
layer("Conv2d", lambda nn: nn.Conv2d(3, 4, 3), real(2, 3, 6, 5))
layer("Conv2d without n", lambda nn: nn.Conv2d(2, 3, 2), real(2, 4, 5))
layer("Conv2d of nothing", lambda nn: nn.Conv2d(2, 3, 2), real(0, 2, 4, 5))
layer("Conv2d bias=False", lambda nn: nn.Conv2d(2, 3, 2, bias=False), real(2, 2, 4, 5))
layer("Conv2d kernel_size=1", lambda nn: nn.Conv2d(3, 4, 1), real(2, 3, 4, 4))
layer("Conv2d kernel_size=1 stride=2", lambda nn: nn.Conv2d(3, 4, 1, stride=2), real(2, 3, 5, 4))
layer("Conv2d kernel_size=(1, 3)", lambda nn: nn.Conv2d(2, 3, (1, 3), padding=(0, 1)), real(2, 2, 4, 5))
layer("Conv2d stride=2", lambda nn: nn.Conv2d(2, 4, 3, stride=2), real(2, 2, 8, 7))
layer("Conv2d stride=(2, 1) padding=(0, 2)", lambda nn: nn.Conv2d(2, 2, 3, (2, 1), (0, 2)), real(2, 2, 6, 4))
layer("Conv2d stride=3 of a smaller kernel", lambda nn: nn.Conv2d(2, 2, 2, stride=3, padding=1), real(2, 2, 8, 7))
layer("Conv2d padding='same'", lambda nn: nn.Conv2d(2, 3, (3, 2), padding="same", dilation=(1, 3)), real(2, 2, 5, 6))
layer("Conv2d padding='valid'", lambda nn: nn.Conv2d(2, 3, 3, padding="valid"), real(2, 2, 4, 4))
layer("Conv2d dilation=2", lambda nn: nn.Conv2d(2, 3, 3, dilation=2, padding=1), real(2, 2, 6, 5))
layer("Conv2d dilation=3 stride=2", lambda nn: nn.Conv2d(2, 3, 3, 2, 2, (3, 2)), real(2, 2, 8, 7))
layer("Conv2d dilation=2 stride=4", lambda nn: nn.Conv2d(1, 2, 3, 4, 1, 2), real(2, 1, 10, 9))
layer("Conv2d groups=2", lambda nn: nn.Conv2d(4, 6, 3, groups=2, padding=1), real(2, 4, 4, 5))
layer("Conv2d depthwise", lambda nn: nn.Conv2d(3, 3, 3, groups=3, padding=1), real(2, 3, 4, 5))
layer("Conv2d depthwise stride=2", lambda nn: nn.Conv2d(3, 3, 3, 2, 1, groups=3), real(2, 3, 6, 5))
layer("Conv2d depthwise two outputs", lambda nn: nn.Conv2d(3, 6, 3, groups=3), real(2, 3, 4, 5))
layer("Conv3d", lambda nn: nn.Conv3d(2, 3, 2), real(2, 2, 3, 4, 3))
layer("Conv3d without n", lambda nn: nn.Conv3d(1, 2, (1, 2, 3)), real(1, 3, 4, 4))
layer("Conv3d of everything", lambda nn: nn.Conv3d(2, 2, 2, (2, 1, 2), (1, 0, 1), (1, 2, 1), 2), real(2, 2, 4, 4, 4))
for mode in ("reflect", "replicate", "circular"):
    layer(f"Conv1d {mode}", lambda nn, m=mode: nn.Conv1d(2, 2, 3, padding=2, padding_mode=m), real(2, 2, 5))
    layer(f"Conv2d {mode}", lambda nn, m=mode: nn.Conv2d(2, 2, 3, 2, (1, 2), padding_mode=m), real(2, 2, 4, 5))
    layer(f"Conv2d {mode} 'same'", lambda nn, m=mode: nn.Conv2d(1, 2, 4, 1, "same", padding_mode=m), real(1, 5, 6))
for mode in ("replicate", "circular"):
    layer(f"Conv3d {mode}", lambda nn, m=mode: nn.Conv3d(1, 1, 2, padding=1, padding_mode=m), real(1, 1, 3, 3, 3))

function("conv1d", lambda F, x, w, b: F.conv1d(x, w, b, 2, 1, 2), real(2, 3, 9), real(4, 3, 3), real(4))
function("conv2d", lambda F, x, w: F.conv2d(x, w), real(2, 3, 5, 4), real(4, 3, 3, 2))
function("conv2d groups=2", lambda F, x, w: F.conv2d(x, w, groups=2), real(2, 4, 5, 4), real(4, 2, 3, 2))
function("conv2d 'same'", lambda F, x, w: F.conv2d(x, w, padding="same"), real(2, 4, 5), real(3, 2, 2, 3))
function("conv3d", lambda F, x, w: F.conv3d(x, w, stride=2, padding=1), real(1, 2, 4, 3, 4), real(2, 2, 2, 3, 2))

# ---------------------------------------------------------------- transposed convolutions

layer("ConvTranspose1d", lambda nn: nn.ConvTranspose1d(3, 4, 3), real(2, 3, 5))
layer("ConvTranspose1d stride=2", lambda nn: nn.ConvTranspose1d(3, 2, 4, 2, 1, 1), real(2, 3, 5))
layer("ConvTranspose1d without n", lambda nn: nn.ConvTranspose1d(3, 2, 4, 2), real(3, 5))
layer("ConvTranspose2d", lambda nn: nn.ConvTranspose2d(3, 4, 3), real(2, 3, 4, 3))
layer("ConvTranspose2d stride=2", lambda nn: nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1), real(2, 3, 4, 3))
layer("ConvTranspose2d bias=False", lambda nn: nn.ConvTranspose2d(3, 2, 2, bias=False), real(2, 3, 3, 3))
layer("ConvTranspose2d without n", lambda nn: nn.ConvTranspose2d(3, 2, (2, 3)), real(3, 3, 3))
layer("ConvTranspose2d of nothing", lambda nn: nn.ConvTranspose2d(3, 2, 2), real(0, 3, 3, 3))
layer("ConvTranspose2d groups=2", lambda nn: nn.ConvTranspose2d(4, 6, 3, 2, groups=2), real(2, 4, 3, 3))
layer("ConvTranspose2d depthwise", lambda nn: nn.ConvTranspose2d(3, 3, 2, 2, groups=3), real(2, 3, 3, 3))
layer("ConvTranspose2d output_padding=(1, 2)", lambda nn: nn.ConvTranspose2d(2, 2, 3, 3, 1, (1, 2)), real(2, 2, 3, 3))
layer("ConvTranspose2d dilation=2", lambda nn: nn.ConvTranspose2d(2, 2, 3, 2, 1, 1, dilation=2), real(2, 2, 3, 3))
layer(
    "ConvTranspose2d output_padding as the dilation allows it",
    lambda nn: nn.ConvTranspose2d(2, 2, 2, 1, 1, (2, 1), dilation=3),
    real(2, 2, 3, 3),
)
layer("ConvTranspose2d a kernel smaller than the stride", lambda nn: nn.ConvTranspose2d(2, 2, 2, 3), real(1, 2, 3, 3))
layer(
    "ConvTranspose2d output_size",
    lambda nn: nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1),
    real(2, 2, 3, 4),
    call=lambda module, x: module(x, output_size=[6, 7]),
)
layer(
    "ConvTranspose1d output_size of all axes",
    lambda nn: nn.ConvTranspose1d(2, 3, 3, stride=2),
    real(2, 2, 4),
    call=lambda module, x: module(x, [2, 3, 10]),
)
layer("ConvTranspose3d", lambda nn: nn.ConvTranspose3d(2, 2, 2, (2, 1, 1), (0, 1, 0), (1, 0, 0)), real(2, 2, 2, 3, 3))
layer("ConvTranspose3d without n", lambda nn: nn.ConvTranspose3d(1, 2, 2), real(1, 2, 3, 2))

function(
    "conv_transpose1d",
    lambda F, x, w, b: F.conv_transpose1d(x, w, b, 2, 1, 1, 1, 2),
    real(2, 3, 4),
    real(3, 2, 3),
    real(2),
)
function(
    "conv_transpose2d groups=2",
    lambda F, x, w, b: F.conv_transpose2d(x, w, b, 2, 1, groups=2),
    real(2, 4, 3, 3),
    real(4, 2, 3, 2),
    real(4),
)
function("conv_transpose3d", lambda F, x, w: F.conv_transpose3d(x, w), real(1, 2, 2, 3, 2), real(2, 2, 2, 1, 2))

# ---------------------------------------------------------------- Fold and Unfold

layer("Unfold", lambda nn: nn.Unfold(2), real(2, 3, 4, 3))
layer("Unfold of everything", lambda nn: nn.Unfold((2, 3), (2, 1), 1, (1, 2)), real(2, 2, 5, 6))
layer("Unfold without n", lambda nn: nn.Unfold(2, stride=2), real(3, 4, 4))
layer("Fold", lambda nn: nn.Fold((4, 3), 2), real(2, 12, 6))
layer("Fold of everything", lambda nn: nn.Fold((5, 6), (2, 3), (2, 1), 1, (1, 2)), real(2, 12, 15))
layer("Fold without n", lambda nn: nn.Fold(4, 2, stride=2), real(12, 4))
function("unfold", lambda F, x: F.unfold(x, 3, padding=1), real(1, 2, 3, 4))
function("fold", lambda F, x: F.fold(x, (3, 4), 3, padding=1), real(1, 18, 12))
