"""Convolution as a sum over the taps of the kernel: what ``correlation`` computes, in a few lines of plain NumPy.

Slow, and easy to read: ``step.source()`` prints these functions, and tests hold the fast ones against them.
"""

from __future__ import annotations

import numpy as np


def convolve_taps(x, w, *bias, windows):
    """``convolve``."""
    x = in_groups(with_margins(x, windows.padding), windows)
    w = w.reshape(windows.groups, -1, *w.shape[1:])
    taps = np.ndindex(*windows.kernel)
    y = sum(np.einsum("ngi...,goi->ngo...", seen(x, tap, windows), w[:, :, :, *tap]) for tap in taps)
    return with_bias(y.reshape(len(x), y.shape[1] * y.shape[2], *y.shape[3:]), *bias)


def correlate_taps(x, g, *, windows):
    """``correlate``."""
    x = in_groups(with_margins(x, windows.padding), windows)
    g = in_groups(g, windows)
    g = g.reshape(*g.shape[:3], -1)
    w = np.empty((windows.groups, g.shape[2], x.shape[2], *windows.kernel), np.result_type(x, g))
    for tap in np.ndindex(*windows.kernel):
        part = seen(x, tap, windows)
        w[:, :, :, *tap] = np.einsum("ngip,ngop->goi", part.reshape(*part.shape[:3], g.shape[3]), g)
    return w.reshape(-1, *w.shape[2:])


def spread_taps(g, w, *bias, windows):
    """``spread``."""
    g, w = in_groups(g, windows), w.reshape(windows.groups, -1, *w.shape[1:])
    sizes = [n + before + behind for n, (before, behind) in zip(windows.size, windows.padding)]
    x = np.zeros((len(g), windows.groups, w.shape[2], *sizes), np.result_type(g, w))
    for tap in np.ndindex(*windows.kernel):
        part = seen(x, tap, windows)
        part += np.einsum("ngo...,goi->ngi...", g, w[:, :, :, *tap])
    x = x.reshape(len(x), windows.groups * w.shape[2], *sizes)
    return with_bias(with_margins(x, [(-before, -behind) for before, behind in windows.padding]), *bias)


def gradients_by_taps(g, x, w, *, windows):
    """``gradients``."""
    return spread_taps(g, w, windows=windows), correlate_taps(x, g, windows=windows)


def with_margins(x, margins):
    """``x`` with zeros before and behind each of its last axes; what is below 0 is cut off instead."""
    around = [(0, 0)] * (x.ndim - len(margins)) + list(margins)
    x = x[*(slice(max(0, -before), n - max(0, -behind)) for n, (before, behind) in zip(x.shape, around)),]
    return np.pad(x, [(max(0, before), max(0, behind)) for before, behind in around])


def in_groups(x, windows):
    """Images (n, channels, *size) as (n, groups, channels of a group, *size)."""
    return x.reshape(len(x), windows.groups, x.shape[1] // windows.groups, *x.shape[2:])


def seen(x, tap, windows):
    """The view of padded images that one tap has, from all positions of the kernel."""
    axes = zip(tap, windows.kernel, windows.stride, windows.dilation, x.shape[-len(tap) :])
    return x[..., *(slice(t * d, n - (k - 1 - t) * d, s) for t, k, s, d, n in axes)]


def with_bias(y, *bias):
    """``y`` (n, channels, …) plus a number for each channel, if there are any."""
    return y + bias[0].reshape(-1, *[1] * (y.ndim - 2)) if bias else y
