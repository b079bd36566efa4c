"""Pooling: the largest and the average of windows."""

from tests.cases.table import apart, positive, real
from tests.nn.cases.table import constant, function, layer

# ---------------------------------------------------------------- max

layer("MaxPool1d", lambda nn: nn.MaxPool1d(2), apart(2, 3, 7))
layer("MaxPool1d of little but padding", lambda nn: nn.MaxPool1d(3, 3, 1), apart(2, 3))
layer("MaxPool1d unbatched, stride, padding, dilation", lambda nn: nn.MaxPool1d(3, 2, 1, dilation=2), apart(2, 9))
layer("MaxPool2d", lambda nn: nn.MaxPool2d(2), apart(2, 3, 4, 6))
layer("MaxPool2d unbatched, overlapping", lambda nn: nn.MaxPool2d(3, stride=2, padding=1), apart(2, 6, 7))
layer("MaxPool2d stride 1", lambda nn: nn.MaxPool2d(5, stride=1, padding=2), apart(1, 2, 5, 6))
layer("MaxPool2d ceil_mode", lambda nn: nn.MaxPool2d(2, ceil_mode=True), apart(1, 2, 5, 7))
layer("MaxPool2d ceil_mode, padding", lambda nn: nn.MaxPool2d(2, 3, 1, ceil_mode=True), apart(1, 2, 5, 6))
layer("MaxPool2d of pairs", lambda nn: nn.MaxPool2d((3, 2), (1, 2), (1, 0), (2, 1)), apart(1, 2, 6, 6))
layer("MaxPool2d gaps between windows", lambda nn: nn.MaxPool2d(2, 3), apart(1, 2, 8, 7))
layer("MaxPool2d return_indices", lambda nn: nn.MaxPool2d(3, 2, 1, return_indices=True), apart(1, 2, 5, 6))
layer("MaxPool3d", lambda nn: nn.MaxPool3d(2), apart(1, 2, 4, 4, 4))
layer("MaxPool3d unbatched, padding", lambda nn: nn.MaxPool3d((2, 3, 3), (1, 2, 2), (1, 1, 0)), apart(2, 3, 5, 5))
function("max_pool1d", lambda F, x: F.max_pool1d(x, 3, 1, 1), apart(2, 2, 6))
function("max_pool2d", lambda F, x: F.max_pool2d(x, 3, 2, ceil_mode=True), apart(1, 2, 6, 6))
function("max_pool3d", lambda F, x: F.max_pool3d(x, 2, dilation=2), apart(1, 1, 4, 4, 4))
TIES = constant(*[[[1.0, 2.0, 2.0, 0.0], [2.0, 1.0, 2.0, 2.0], [2.0, 2.0, 1.0, 2.0], [0.0, 2.0, 2.0, 2.0]]])
function("max_pool2d of ties", lambda F, x: F.max_pool2d(x, 3, 1, 1), TIES, order=1)

# ---------------------------------------------------------------- average

layer("AvgPool1d", lambda nn: nn.AvgPool1d(2), real(2, 3, 7))
layer("AvgPool1d unbatched, padding", lambda nn: nn.AvgPool1d(3, 2, 1), real(2, 8))
layer("AvgPool1d ceil_mode", lambda nn: nn.AvgPool1d(3, 2, 1, True, False), real(2, 2, 8))
layer("AvgPool2d", lambda nn: nn.AvgPool2d(2), real(2, 3, 4, 6))
layer("AvgPool2d overlapping", lambda nn: nn.AvgPool2d(3, 2, 1), real(1, 2, 6, 7))
layer("AvgPool2d ceil_mode", lambda nn: nn.AvgPool2d(3, 2, ceil_mode=True), real(1, 2, 6, 6))
layer("AvgPool2d ceil_mode, padding", lambda nn: nn.AvgPool2d(3, 2, 1, ceil_mode=True), real(1, 2, 6, 7))
layer("AvgPool2d count_include_pad=False", lambda nn: nn.AvgPool2d(3, 2, 1, True, False), real(2, 6, 7))
layer("AvgPool2d divisor_override", lambda nn: nn.AvgPool2d((2, 3), divisor_override=5), real(1, 2, 4, 6))
layer("AvgPool3d", lambda nn: nn.AvgPool3d(2), real(1, 2, 4, 4, 4))
layer("AvgPool3d padding", lambda nn: nn.AvgPool3d((2, 3, 2), (1, 2, 2), (1, 1, 0), True, False), real(2, 3, 4, 5))
layer("AvgPool3d divisor_override", lambda nn: nn.AvgPool3d(2, 1, divisor_override=3), real(1, 1, 3, 3, 3))
function("avg_pool1d", lambda F, x: F.avg_pool1d(x, 3, 1, 1), real(2, 2, 6))
function("avg_pool2d", lambda F, x: F.avg_pool2d(x, 2, 1, count_include_pad=False), real(1, 2, 4, 5))
function("avg_pool3d", lambda F, x: F.avg_pool3d(x, 2, ceil_mode=True), real(1, 1, 3, 4, 5))

# ---------------------------------------------------------------- powers

layer("LPPool1d", lambda nn: nn.LPPool1d(2, 3, stride=2), real(2, 2, 7))
layer("LPPool1d norm 3", lambda nn: nn.LPPool1d(3, 2), positive(2, 6))
layer("LPPool2d", lambda nn: nn.LPPool2d(2, 3, stride=2), real(2, 2, 6, 6))
layer("LPPool2d ceil_mode", lambda nn: nn.LPPool2d(1.5, (2, 3), ceil_mode=True), positive(1, 2, 5, 5))
layer("LPPool2d unbatched", lambda nn: nn.LPPool2d(2, 2), real(2, 4, 4))
layer("LPPool3d", lambda nn: nn.LPPool3d(2, 2), real(1, 2, 4, 4, 4))
function("lp_pool1d", lambda F, x: F.lp_pool1d(x, 2, 2), real(2, 2, 6))
function("lp_pool2d", lambda F, x: F.lp_pool2d(x, 4, 2, 1), real(1, 2, 4, 4))
function("lp_pool3d", lambda F, x: F.lp_pool3d(x, 2, 2, 1), real(1, 1, 3, 3, 3))

# ---------------------------------------------------------------- adaptive

layer("AdaptiveAvgPool1d", lambda nn: nn.AdaptiveAvgPool1d(3), real(2, 2, 7))
layer("AdaptiveAvgPool1d unbatched", lambda nn: nn.AdaptiveAvgPool1d(5), real(2, 3))
layer("AdaptiveAvgPool2d to one", lambda nn: nn.AdaptiveAvgPool2d(1), real(2, 2, 4, 5))
layer("AdaptiveAvgPool2d even", lambda nn: nn.AdaptiveAvgPool2d(2), real(1, 2, 4, 6))
layer("AdaptiveAvgPool2d uneven", lambda nn: nn.AdaptiveAvgPool2d((3, None)), real(1, 2, 5, 4))
layer("AdaptiveAvgPool2d larger", lambda nn: nn.AdaptiveAvgPool2d((7, 5)), real(1, 2, 5, 3))
layer("AdaptiveAvgPool3d", lambda nn: nn.AdaptiveAvgPool3d((2, 3, None)), real(1, 1, 4, 4, 3))
layer("AdaptiveMaxPool1d", lambda nn: nn.AdaptiveMaxPool1d(3), apart(2, 2, 7))
layer("AdaptiveMaxPool2d to one", lambda nn: nn.AdaptiveMaxPool2d(1), apart(2, 2, 4, 5))
layer("AdaptiveMaxPool2d even", lambda nn: nn.AdaptiveMaxPool2d((2, None)), apart(1, 2, 4, 3))
layer("AdaptiveMaxPool2d uneven", lambda nn: nn.AdaptiveMaxPool2d((3, 2)), apart(2, 5, 5))
layer("AdaptiveMaxPool2d larger", lambda nn: nn.AdaptiveMaxPool2d((7, 5)), apart(1, 2, 5, 3))
layer("AdaptiveMaxPool3d", lambda nn: nn.AdaptiveMaxPool3d((2, 3, None)), apart(1, 1, 4, 4, 3))
function("adaptive_avg_pool1d", lambda F, x: F.adaptive_avg_pool1d(x, 2), real(2, 2, 6))
function("adaptive_avg_pool2d", lambda F, x: F.adaptive_avg_pool2d(x, (2, 3)), real(2, 5, 5))
function("adaptive_avg_pool3d", lambda F, x: F.adaptive_avg_pool3d(x, 2), real(1, 1, 3, 4, 5))
function("adaptive_max_pool1d", lambda F, x: F.adaptive_max_pool1d(x, 2), apart(2, 2, 6))
function("adaptive_max_pool3d", lambda F, x: F.adaptive_max_pool3d(x, 2), apart(1, 1, 3, 4, 5))

# ---------------------------------------------------------------- back from a max pool, which shows the indices too

layer("MaxUnpool1d", lambda nn: nn.MaxUnpool1d(2), real(2, 2, 3), constant(*[[[0, 2, 5]] * 2] * 2))
layer("MaxUnpool2d", lambda nn: nn.MaxUnpool2d(2), real(2, 2, 3), constant(*[[[0, 3, 7], [9, 12, 11]]] * 2))
layer("MaxUnpool3d", lambda nn: nn.MaxUnpool3d(2), real(1, 2, 1, 1), constant(*[[[[2]], [[9]]]]))
function(
    "max_unpool1d",
    lambda F, x: F.max_unpool1d(*F.max_pool1d(x, 3, return_indices=True), 3, output_size=(2, 2, 8)),
    apart(2, 2, 8),
)
function(
    "max_unpool2d",
    lambda F, x: F.max_unpool2d(*F.max_pool2d(x, 3, 2, 1, return_indices=True), 3, 2, 1, output_size=(6, 7)),
    apart(2, 6, 7),
)
function(
    "max_unpool2d of ties",
    lambda F, x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    TIES,
    order=1,
)
function(
    "max_unpool2d adaptive",
    lambda F, x: F.max_unpool2d(*F.adaptive_max_pool2d(x, 3, return_indices=True), 2),
    apart(1, 2, 6, 6),
)
function(
    "max_unpool3d",
    lambda F, x: F.max_unpool3d(*F.max_pool3d(x, (1, 2, 2), return_indices=True), (1, 2, 2)),
    apart(1, 2, 2, 4, 4),
)
function("adaptive_max_pool2d", lambda F, x: F.adaptive_max_pool2d(x, (2, 3)), apart(1, 2, 5, 6))
function(
    "max_pool1d dilation as long as the input",
    lambda F, x: F.max_pool1d(x, 2, 2, dilation=2, ceil_mode=True),
    apart(1, 1, 2),
)
