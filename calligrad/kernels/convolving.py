"""Words."""
from typing import Any, NamedTuple


class Work(NamedTuple):
    """The words of the kernels in ``convolution.py``: how a kernel goes over images, and where all arrays lie.

    Addresses are in bytes, all else in numbers. Images have axes (image, channel, plane, row, column).
    """

    images: int
    groups: int
    inputs: int  # channels of a group
    outputs: int
    out_planes: int
    out_rows: int
    out_columns: int
    x: int  # address of the images
    x_image: int
    x_channel: int
    x_plane: int
    x_row: int
    x_column: int
    planes: int
    rows: int
    columns: int
    taps: int  # of the kernel along planes
    plane_stride: int
    plane_pad: int
    plane_dilation: int
    row_stride: int
    row_pad: int
    column_stride: int
    column_pad: int
    phases: int  # address of (number along rows, number along columns, where its cells begin) for each phase
    phase_count: int
    reach: int  # rows of cells that are seen beyond the first, from each position
    cells: int  # of a row
    pitch: int  # numbers from one plane of cells to the next
    values: int  # of the transform along rows, or 1
    value_pitch: int  # numbers from one plane of values to the next
    offsets: int  # address of what each term sees
    depth: int  # terms
    y: int  # address of the outputs
    y_image: int
    y_channel: int
    y_plane: int
    y_row: int
    y_column: int
    panels: int  # address of the packed kernel; behind it, the bias
    slab: int  # rows of tiles that are worked on at once
    work: int  # address of the workspace
    share: int  # bytes of it for a thread
    shared: int  # whether taps share what is turned of a channel, for the gradient
    chunks: int  # of images, each with sums of its own
    parts: int  # of the outputs
    sums: int  # address
