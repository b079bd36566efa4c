"""Recurrent layers and their cells."""

from typing import Any

import numpy as np

from tests.cases.table import real
from tests.nn.cases.table import layer


def unequal(*lengths: int):
    """A call with sequences of these lengths: PyTorch packs and pads, calligrad is told."""

    def call(module: Any, x: Any, *state: Any) -> Any:
        given = (state if len(state) > 1 else state[0],) if state else ()
        if not type(module).__module__.startswith("torch"):
            return module(x, *given, lengths=np.array(lengths))
        from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

        first = module.batch_first
        packed = pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False)
        outputs, last = module(packed, *given)
        return pad_packed_sequence(outputs, batch_first=first, total_length=x.shape[1 if first else 0])[0], last

    return call


def with_pair(module: Any, x: Any, h: Any, c: Any) -> Any:
    """A call with the two parts of a state."""
    return module(x, (h, c))


for name in ("RNN", "GRU", "LSTM"):
    layer(name, lambda nn, name=name: getattr(nn, name)(2, 3), real(4, 2, 2))
    layer(f"{name} of one sequence", lambda nn, name=name: getattr(nn, name)(2, 3), real(4, 2))
    layer(f"{name} of no sequences", lambda nn, name=name: getattr(nn, name)(2, 3), real(4, 0, 2))
    layer(f"{name} bias=False", lambda nn, name=name: getattr(nn, name)(2, 3, bias=False), real(3, 2, 2))
    layer(
        f"{name} of two layers, both ways, the batch first",
        lambda nn, name=name: getattr(nn, name)(2, 3, num_layers=2, bidirectional=True, batch_first=True),
        real(2, 3, 2),
    )
    layer(
        f"{name} of unequal lengths",
        lambda nn, name=name: getattr(nn, name)(2, 3, num_layers=2, bidirectional=True),
        real(5, 3, 2),
        call=unequal(2, 5, 1),
    )
    layer(
        f"{name} of unequal lengths, the batch first",
        lambda nn, name=name: getattr(nn, name)(2, 3, batch_first=True),
        real(3, 5, 2),
        call=unequal(3, 3, 2),
    )
    layer(
        f"{name} dropout=0.5 at rest",
        lambda nn, name=name: getattr(nn, name)(2, 3, num_layers=2, dropout=0.5),
        real(3, 2, 2),
        training=False,
    )

layer("RNN nonlinearity=relu", lambda nn: nn.RNN(2, 3, nonlinearity="relu"), real(4, 2, 2))
for name in ("RNN", "GRU"):
    layer(
        f"{name} from a state",
        lambda nn, name=name: getattr(nn, name)(2, 3, num_layers=2, batch_first=True),
        real(2, 3, 2),
        real(2, 2, 3),
    )
    layer(
        f"{name} of one sequence from a state",
        lambda nn, name=name: getattr(nn, name)(2, 3, bidirectional=True),
        real(4, 2),
        real(2, 3),
    )
layer(
    "LSTM from a state",
    lambda nn: nn.LSTM(2, 3, num_layers=2),
    real(3, 2, 2),
    real(2, 2, 3),
    real(2, 2, 3),
    call=with_pair,
)
layer("LSTM of one sequence from a state", lambda nn: nn.LSTM(2, 3), real(3, 2), real(1, 3), real(1, 3), call=with_pair)
layer(
    "LSTM of unequal lengths from a state",
    lambda nn: nn.LSTM(2, 3, bidirectional=True),
    real(4, 2, 2),
    real(2, 2, 3),
    real(2, 2, 3),
    call=unequal(2, 4),
)
layer("LSTM proj_size=2", lambda nn: nn.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2), real(3, 2, 3))
layer(
    "LSTM proj_size=1 from a state",
    lambda nn: nn.LSTM(2, 3, bias=False, proj_size=1),
    real(3, 2, 2),
    real(1, 2, 1),
    real(1, 2, 3),
    call=with_pair,
)

for name in ("RNNCell", "GRUCell", "LSTMCell"):
    layer(name, lambda nn, name=name: getattr(nn, name)(2, 3), real(4, 2))
    layer(f"{name} bias=False", lambda nn, name=name: getattr(nn, name)(2, 3, bias=False), real(4, 2))
for name in ("RNNCell", "GRUCell"):
    layer(f"{name} from a state", lambda nn, name=name: getattr(nn, name)(2, 3), real(4, 2), real(4, 3))
    layer(f"{name} of a vector", lambda nn, name=name: getattr(nn, name)(2, 3), real(2), real(3))
layer("RNNCell nonlinearity=relu", lambda nn: nn.RNNCell(2, 3, nonlinearity="relu"), real(4, 2), real(4, 3))
layer("LSTMCell from a state", lambda nn: nn.LSTMCell(2, 3), real(4, 2), real(4, 3), real(4, 3), call=with_pair)
layer("LSTMCell of a vector", lambda nn: nn.LSTMCell(2, 3), real(2), real(3), real(3), call=with_pair)
