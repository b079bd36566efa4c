"""Channels and pixels that change places."""

from tests.cases.table import real
from tests.nn.cases.table import function, layer

layer("PixelShuffle", lambda nn: nn.PixelShuffle(2), real(2, 8, 2, 3))
layer("PixelShuffle unbatched", lambda nn: nn.PixelShuffle(3), real(9, 2, 2))
layer("PixelUnshuffle", lambda nn: nn.PixelUnshuffle(2), real(2, 2, 4, 6))
layer("PixelUnshuffle of two batches", lambda nn: nn.PixelUnshuffle(2), real(2, 2, 2, 2, 4))
layer("ChannelShuffle", lambda nn: nn.ChannelShuffle(2), real(2, 6, 2, 2))
function("pixel_shuffle", lambda F, x: F.pixel_shuffle(x, 2), real(1, 4, 2, 3))
function("pixel_unshuffle", lambda F, x: F.pixel_unshuffle(x, 3), real(1, 2, 3, 6))
function("channel_shuffle", lambda F, x: F.channel_shuffle(x, 3), real(2, 6, 2, 2))
