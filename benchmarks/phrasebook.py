"""A phrasebook: what NumPy says on the left, PyTorch says on the right, with two spaces or more in between.

A chapter tells how the arrays ``x``, ``y``, ``z`` and ``w`` of its phrases are drawn. The lengths in its shapes are
known to the phrases: with ``number("ij")`` they may speak of ``i`` and ``j``. A line with a list of names in braces is
a phrase for each, PyTorch's name behind a colon where it is another. What is too long goes on, indented, below.
"""

from __future__ import annotations

from benchmarks.draws import chapter, gaps, number, positive, real, regular, right, unit, within

# ---------------------------------------------------------------- one number, two numbers

ELEMENTWISE = [
    chapter(number("ij"), text="""
        np.{exp expm1 exp2 sin cos sinh cosh tanh square negative positive}(x)  torch.{}(x)
        np.{reciprocal sinc absolute conjugate:conj sign:sgn angle real}(x)     torch.{}(x)
        np.angle(x, deg=True)                                                   torch.rad2deg(torch.angle(x))
        np.{real imag}(x * 1j)                                                  torch.{}(x * 1j)
        np.where(abs(x) > 0.7, x, 2)                                            torch.where(abs(x) > 0.7, x, 2)
        x**3                                                                    x**3
        (x + 3) ** (2 + 1j)                                                     (x + 3) ** (2 + 1j)
        abs(x)                                                                  abs(x)
        1 / x                                                                   1 / x
        2.5 - x                                                                 2.5 - x
        x.conj() * x                                                            x.conj() * x
    """),
    chapter(right("ij"), text="""
        np.{log log2 log10 log1p sqrt arcsinh arctan tan}(x)  torch.{}(x)
        np.arccosh(x + 1)                                     torch.arccosh(x + 1)
        np.lib.scimath.{sqrt log log2 log10}(-x)              torch.{}(-x + 0j)
        2**x                                                  2**x
    """),
    chapter(within("ij"), text="""
        np.{arcsin arccos arctanh}(x)                  torch.{}(x)
        np.lib.scimath.arctanh(x + 2)                  torch.arctanh(x + 2 + 0j)
        np.lib.scimath.power(x, 0.5)                   torch.pow(x + 0j, 0.5)
    """),
    chapter(real("ij"), text="""
        np.{fabs:abs deg2rad rad2deg radians:deg2rad degrees:rad2deg i0 nan_to_num}(x)  torch.{}(x)
        np.cbrt(x)                                            torch.sgn(x) * torch.abs(x) ** (1 / 3)
        x * np.{floor ceil trunc rint:round sign fix}(5 * x)  x * torch.{}(5 * x)
        np.clip(x, -0.5, {0.5 None})                          torch.clip(x, -0.5, {})
        np.clip(x, None, 0.3)                                 torch.clip(x, max=0.3)
        np.modf(x)[0]                                         torch.frac(x)
        np.frexp(x)[0]                                        torch.frexp(x)[0]
        np.ldexp(x, [3])                                      torch.ldexp(x, torch.tensor([3]))
        np.piecewise(x, [x < 0], [np.sin, np.cos])            torch.where(x < 0, torch.sin(x), torch.cos(x))
        np.select([x < -1, x < 0], [x, x**2], 3)              torch.where(x < -1, x, torch.where(x < 0, x**2, 3))
    """),
    chapter(number("ij"), number("j"), text="""
        np.{add subtract multiply divide}(x, y)  torch.{}(x, y)
        np.where(abs(x) > 0.5, x, y)             torch.where(abs(x) > 0.5, x, y)
    """),
    chapter(number("ij"), positive("i1"), text="""
        np.{add subtract multiply divide}(x, y)  torch.{}(x, y)
        np.{add subtract multiply divide}(y, x)  torch.{}(y, x)
        np.power(y, x)                           torch.pow(y, x)
    """),
    chapter(right("ij"), number("i1"), text="np.power(x, y)  torch.pow(x, y)"),
    chapter(real("ij"), positive("i1"), text="""
        np.{hypot arctan2 logaddexp logaddexp2 maximum minimum fmax fmin remainder fmod copysign}(x, y)  torch.{}(x, y)
        np.float_power(y, x)  torch.float_power(y, x)
        np.divmod(x, y)[1]    torch.remainder(x, y)
        np.clip(x, -y, y)     torch.clip(x, -y, y)
        np.clip(x, y, y / 2)  torch.clip(x, y, y / 2)
        x % y                 x % y
    """),
]  # fmt: skip

# ---------------------------------------------------------------- many numbers

REDUCTIONS = [
    chapter(number("IJk"), text="""
        np.{sum mean prod}(x)                               torch.{}(x)
        np.{sum mean prod}(x, 1)                            torch.{}(x, 1)
        np.{sum mean}(x, (0, 2), keepdims=True)             torch.{}(x, (0, 2), True)
        np.{var std}(x)                                     torch.{}(x, correction=0)
        np.{var std}(x, (0, 2), ddof=1, keepdims=True)      torch.{}(x, (0, 2), correction=1, keepdim=True)
        x.{sum mean prod}(0)                                x.{}(0)
        np.{cumsum cumprod}(x, 1)                           torch.{}(x, 1)
        np.cumulative_sum(x, axis=0, include_initial=True)  tf.pad(torch.cumsum(x, 0), (0, 0, 0, 0, 1, 0))
        np.sum(x, 1, where=abs(x[:, :, :1]) > 0.5)          torch.sum(torch.where(abs(x[:, :, :1]) > 0.5, x, 0), 1)
        np.{add:sum multiply:prod}.reduce(x, 1)             torch.{}(x, 1)
        np.{add:cumsum multiply:cumprod}.accumulate(x)      torch.{}(x, 0)
        np.subtract.reduce(x)                               2 * x[0] - torch.sum(x, 0)
        np.cumulative_prod(x, axis=1)                       torch.cumprod(x, 1)
        np.apply_along_axis(np.cumsum, 1, x)                torch.cumsum(x, 1)
        np.apply_over_axes(np.sum, x, [0, 2])               torch.sum(x, (0, 2), True)
        np.add.reduceat(x, [0, 2, 3])                       torch.stack([x[:2].sum(0), x[2], x[3:].sum(0)])
        np.diff(x, axis=1)                                  torch.diff(x, dim=1)
        np.diff(x, 2, 0, prepend=x[:2])                     torch.diff(x, 2, 0, prepend=x[:2])
        np.ediff1d(x)                                       torch.diff(torch.ravel(x))
        np.trapezoid(x, dx=0.3, axis=1)                     torch.trapezoid(x, dx=0.3, dim=1)
        np.gradient(x, axis=(0, 1))                         torch.gradient(x, dim=(0, 1))
        np.gradient(x, 0.3, axis=1, edge_order=2)           torch.gradient(x, spacing=0.3, dim=1, edge_order=2)[0]
    """),
    chapter(real("IJk"), text="""
        np.{max:amax min:amin amax amin}(x, (0, 2))                      torch.{}(x, (0, 2))
        np.ptp(x, 1, keepdims=True)                                      torch.amax(x, 1, True) - torch.amin(x, 1, True)
        np.max(x, 1, initial=0.7)                                        torch.clip(torch.amax(x, 1), min=0.7)
        np.{maximum:cummax minimum:cummin}.accumulate(x)                 torch.{}(x, 0).values
        np.{maximum:amax minimum:amin logaddexp:logsumexp}.reduce(x, 1)  torch.{}(x, 1)
        np.logaddexp.accumulate(x, 1)                                    torch.logcumsumexp(x, 1)
        np.{fmax:amax fmin:amin}.reduce(x, 1)                            torch.{}(x, 1)
        np.{maximum:amax minimum:amin}.reduceat(x, [0, 3], 1)
            torch.stack([torch.{}(x[:, :3], 1), torch.{}(x[:, 3:], 1)], 1)
        np.{fmax:cummax fmin:cummin}.accumulate(x, 1)                    torch.{}(x, 1).values
        np.subtract.accumulate(x)                                        2 * x[:1] - torch.cumsum(x, 0)
        np.hypot.accumulate(abs(x), 1)                                   torch.sqrt(torch.cumsum(x * x, 1))
        np.logaddexp2.reduce(x, 1)                                       torch.log2(torch.sum(2**x, 1))
        np.bincount([0, 2, 2, 1, 0], x[:5, 0, 0])
            torch.index_add(x.new_zeros(3), 0, torch.tensor([0, 2, 2, 1, 0]), x[:5, 0, 0])
        np.polyfit(np.arange(I), x[:, :, 0], 2)
            torch.linalg.lstsq(torch.linalg.vander(torch.arange(I).double(), N=3).flip(1), x[:, :, 0])[0]
        np.hypot.reduce(x, 1)                                            torch.linalg.vector_norm(x, dim=1)
        np.median(x, 0)                                                  torch.quantile(x, 0.5, 0)
        np.quantile(x, [0.1, 0.75], 1)                                   torch.quantile(x, x.new_tensor([0.1, 0.75]), 1)
        np.percentile(x, 40, keepdims=True)                              torch.quantile(x.ravel(), 0.4).reshape(1, 1, 1)
        np.quantile(x, 0.3, 0, method="{lower higher nearest midpoint}")  torch.quantile(x, 0.3, 0, interpolation="{}")
        np.sort(x, 0)                                                    torch.sort(x, 0).values
        np.sort(x, None)                                                 torch.sort(x.ravel()).values
        np.partition(x, 0, 1)[:, 0]                                      torch.kthvalue(x, 1, 1).values
        np.partition(x, J - 1, 1)[:, -1]                                 torch.topk(x, 1, 1).values[:, 0]
        np.take_along_axis(x, np.argsort(x, 1), 1)                       torch.take_along_dim(x, torch.argsort(x, 1), 1)
        calligrad.logsumexp(10 * x, axis=1)                              torch.logsumexp(10 * x, 1)
        calligrad.{softmax log_softmax}(10 * x)                          torch.{}(10 * x, -1)
    """),
    chapter(gaps("IJ"), text="""
        np.{nansum nanmean}(x, 1)  torch.{}(x, 1)
        np.nanmedian(x, 1)         torch.nanquantile(x, 0.5, 1)
        np.nanquantile(x, 0.3, 1)  torch.nanquantile(x, 0.3, 1)
        np.nanpercentile(x, 60)    torch.nanquantile(x, 0.6)
        np.nanvar(x, 1)
            torch.nansum(torch.where(x.isnan(), 0, x - torch.nanmean(x, 1, True)) ** 2, 1) / (~x.isnan()).sum(1)
        np.nanmax(x, 1)            torch.amax(x.nan_to_num(-99), 1)
        np.nanmin(x, 1)            torch.amin(x.nan_to_num(99), 1)
        np.nanprod(x, 1)           torch.prod(x.nan_to_num(1), 1)
        np.nancumsum(x, 1)         torch.cumsum(x.nan_to_num(0), 1)
        np.nancumprod(x, 1)        torch.cumprod(x.nan_to_num(1), 1)
        np.nan_to_num(x, nan=2)    torch.nan_to_num(x, 2)
    """),
    chapter(number("IJ"), text="""
        np.cov(x, ddof={0 1})                        torch.cov(x, correction={})
        np.cov(x, fweights=range(1, J + 1))          torch.cov(x, fweights=torch.arange(1, J + 1))
        np.cov(x, aweights=np.arange(1, J + 1) / J)  torch.cov(x, aweights=torch.arange(1, J + 1).double() / J)
        np.corrcoef(x[:3])                           torch.corrcoef(x[:3])
        np.cov(x, x[::-1])                           torch.cov(torch.cat([x, x.flip(0)]))
    """),
    chapter(number("I"), number("3"), text="""
        np.convolve(x, y)              tf.conv1d(x[None], y.flip(0)[None, None], padding=2)[0]
        np.convolve(x, y, "same")      tf.conv1d(x[None], y.flip(0)[None, None], padding=1)[0]
        np.correlate(x, y)             tf.conv1d(x[None], y.conj()[None, None])[0]
        np.polyval(y, x)               y[0] * x**2 + y[1] * x + y[2]
        np.polyadd(x, y)               x + tf.pad(y, (I - 3, 0))
        np.polysub(x, y)               x - tf.pad(y, (I - 3, 0))
        np.polymul(x, y)               tf.conv1d(x[None], y.flip(0)[None, None], padding=2)[0]
        np.polyder(y)                  torch.stack([2 * y[0], y[1]])
        np.polyint(y, k=2)             torch.stack([y[0] / 3, y[1] / 2, y[2], 2 + 0 * y[0]])
        np.vander(x, 4)                torch.linalg.vander(x, N=4).flip(1)
        np.vander(x, increasing=True)  torch.linalg.vander(x)
    """),
    chapter(number("Ij"), positive("I"), text="""
        np.average(x, 0, y)         torch.sum(x * y[:, None], 0) / torch.sum(y)
        np.trapezoid(x, y, axis=0)  torch.trapezoid(x, y[:, None], dim=0)
    """),
]  # fmt: skip

# ---------------------------------------------------------------- rearranging

REARRANGING = [
    chapter(number("bij"), text="""
        np.reshape(x, (j, i * b))                      torch.reshape(x, (j, i * b))
        np.{ravel squeeze copy:clone real_if_close:clone}(x)  torch.{}(x)
        np.transpose(x, (2, 0, 1))                     torch.permute(x, (2, 0, 1))
        np.swapaxes(x, 0, 2)                           torch.swapaxes(x, 0, 2)
        np.moveaxis(x, (0, 1), (-1, 0))                torch.moveaxis(x, (0, 1), (-1, 0))
        np.rollaxis(x, 2)                              torch.moveaxis(x, 2, 0)
        np.matrix_transpose(x)                         torch.transpose(x, 1, 2)
        np.expand_dims(x, 1)                           torch.unsqueeze(x, 1)
        np.broadcast_to(x, (3, b, i, j))               torch.broadcast_to(x, (3, b, i, j))
        np.flip(x, (0, 2))                             torch.flip(x, (0, 2))
        np.{fliplr flipud}(x)                          torch.{}(x)
        np.rot90(x, 3, (1, 2))                         torch.rot90(x, 3, (1, 2))
        np.roll(x, 2)                                  torch.roll(x, 2)
        np.roll(x, (1, -2), (0, 2))                    torch.roll(x, (1, -2), (0, 2))
        np.tile(x, (2, 1, 3))                          torch.tile(x, (2, 1, 3))
        np.repeat(x, 2)                                torch.repeat_interleave(x, 2)
        np.repeat(x, 3, 1)                             torch.repeat_interleave(x, 3, 1)
        np.{tril triu}(x, 1)                           torch.{}(x, 1)
        np.diagonal(x, 0, 1, 2)                        torch.diagonal(x, 0, 1, 2)
        np.linalg.diagonal(x, offset={0 -1})           torch.diagonal(x, {}, 1, 2)
        np.trace(x, {0 1}, 1, 2)                       torch.diagonal(x, {}, 1, 2).sum(-1)
        np.linalg.trace(x)                             torch.diagonal(x, 0, 1, 2).sum(-1)
        np.{atleast_1d atleast_2d atleast_3d}(x)       torch.{}(x)
        np.{concatenate:cat stack hstack vstack dstack}([x, 2 * x])  torch.{}([x, 2 * x])
        np.concatenate([x, x], 2)                      torch.cat([x, x], 2)
        np.stack([x, 3 * x], -1)                       torch.stack([x, 3 * x], -1)
        np.append(x, x[:1], 0)                         torch.cat([x, x[:1]])
        np.block([[x, x], [x, 0 * x]])                 torch.cat([torch.cat([x, x], 2), torch.cat([x, 0 * x], 2)], 1)
        np.array_split(x, 2, 1)                        list(torch.tensor_split(x, 2, 1))
        np.{hsplit vsplit dsplit}(x, [1])              list(torch.{}(x, [1]))
        np.unstack(x, axis=1)                          list(torch.unbind(x, 1))
        np.pad(x, ((0, 0), (1, 2), (0, 1)))            tf.pad(x, (0, 1, 1, 2))
        np.pad(x, 1, constant_values=3)                tf.pad(x, (1, 1, 1, 1, 1, 1), value=3)
        np.insert(x, 1, 7, 1)                          torch.cat([x[:, :1], torch.full_like(x[:, :1], 7), x[:, 1:]], 1)
        np.delete(x, 0, 1)                             x[:, 1:]
        np.resize(x, (2, b, i, j))                     torch.stack([x, x])
        np.fft.fftshift(x)                             torch.fft.fftshift(x)
        np.fft.{fftshift ifftshift}(x, 2)              torch.fft.{}(x, 2)
        np.compress([False] + [True] * (j - 1), x, 2)  x[..., 1:]
        np.extract(abs(x) > 1, x)                      torch.masked_select(x, abs(x) > 1)
        np.broadcast_arrays(x, x[:, :1])               list(torch.broadcast_tensors(x, x[:, :1]))
        x[..., -1]                                     x[..., -1]
        x[:, None, ::2]                                x[:, None, ::2]
        x[..., ::-1]                                   x.flip(2)
        x[abs(x) > 0.5]                                x[abs(x) > 0.5]
    """),
    chapter(number("5j4"), text="""
        np.pad(x, ((1, 2), (0, 0), (2, 1)), "reflect")
            tf.pad(x[None].swapaxes(2, 3), (0, 0, 2, 1, 1, 2), "reflect")[0].swapaxes(1, 2)
        np.pad(x, ((2, 3), (2, 1), (4, 0)), "edge")        tf.pad(x[None], (4, 0, 2, 1, 2, 3), "replicate")[0]
        np.pad(x, ((2, 3), (1, 1), (4, 0)), "wrap")        tf.pad(x[None], (4, 0, 1, 1, 2, 3), "circular")[0]
        np.take(x, [4, 0, 0, -1], 0)                       x[[4, 0, 0, -1]]
        np.take(x, [4, 0, 0])                              torch.take(x, torch.tensor([4, 0, 0]))
        np.delete(x, [1, 3], 0)                            x[[0, 2, 4]]
        np.lib.stride_tricks.sliding_window_view(x, 3, 0)  x.unfold(0, 3, 1)
        np.repeat(x, [2, 0, 1, 3], 2)                      torch.repeat_interleave(x, torch.tensor([2, 0, 1, 3]), 2)
        np.split(x, [1, 2], 2)                             list(torch.tensor_split(x, [1, 2], 2))
        np.rot90(x, axes=(2, 0))                           torch.rot90(x, 1, (2, 0))
        np.choose([0, 2, 1, 1], x[:4, 0])                  x[[0, 2, 1, 1], 0, [0, 1, 2, 3]]
        x[[0, 0, 3], :, [1, 1, 2]]                         x[[0, 0, 3], :, [1, 1, 2]]
        x[[[0], [4]], 0, [1, 2]]                           x[[[0], [4]], 0, [1, 2]]
        x[1:4, 0, ..., 2:]                                 x[1:4, 0, ..., 2:]
        x[[True, False, True, False, True]]                x[[True, False, True, False, True]]
    """),
    chapter(number("i"), number("j"), text="""
        np.meshgrid(x, y, indexing="{xy ij}")      list(torch.meshgrid(x, y, indexing="{}"))
        np.diag(x, {0 -1 2})                       torch.diag(x, {})
        np.diagflat(x, 2)                          torch.diagflat(x, 2)
        np.{hstack concatenate concat}([x, y, x])  torch.{}([x, y, x])
        np.column_stack([x, 2 * x])                torch.column_stack([x, 2 * x])
        np.linspace(x, y[0], 5)                    x + (y[0] - x) * torch.linspace(0, 1, 5)[:, None].double()
        np.logspace(x, y[0], 3)                    10 ** torch.stack([x, (x + y[0]) / 2, y[0] + 0 * x])
        np.ix_(x, y)                               [x[:, None], y[None]]
        np.full((3, i), x, like=x)                 x.expand(3, i)
        np.array([x[0], y[0], 3], like=x)          torch.stack([x[0], y[0], x.new_tensor(3)])
        np.astype(x, complex)                      x.to(torch.complex128)
        np.insert(x, 0, y)                         torch.cat([y, x])
    """),
    chapter(number("5i"), number("3i"), text="""
        assigned(x, slice(1, 4), y)                 assigned(x, slice(1, 4), y)
        assigned(x, [4, 0, 2], y)                   torch.index_put(x, [torch.tensor([4, 0, 2])], y)
        assigned(x, (2, ...), y[0])                 assigned(x, (2, ...), y[0])
        assigned(x, abs(x) > 1, 3)                  torch.masked_fill(x, abs(x) > 1, 3)
        changed(np.add.at, x, [1, 4, 1], y)         torch.index_add(x, 0, torch.tensor([1, 4, 1]), y)
        changed(np.subtract.at, x, [1, 4, 1], y)    torch.index_add(x, 0, torch.tensor([1, 4, 1]), y, alpha=-1)
        changed(np.put, x, [0, 2], y[0, :1])        torch.put(x, torch.tensor([0, 2]), torch.cat([y[0, :1]] * 2))
        changed(np.putmask, x, abs(x) > 1, x * x)   torch.where(abs(x) > 1, x * x, x)
        changed(np.place, x, abs(x) > 1, y[0, :1])  torch.where(abs(x) > 1, y[0, 0], x)
        changed(np.copyto, x, y[0])                 0 * x + y[0]
        changed(np.fill_diagonal, x, y[0, 0])       torch.diagonal_scatter(x, y[0, 0].expand(min(5, i)))
        changed(np.put_along_axis, x, np.array([[1], [4]]), y[:2], 0)
            torch.scatter(x, 0, torch.tensor([[1], [4]]).expand(2, i), y[:2])
        np.concatenate([x, y])[[0, 7, 7]]           torch.index_select(torch.cat([x, y]), 0, torch.tensor([0, 7, 7]))
    """),
]  # fmt: skip
# ---------------------------------------------------------------- products

PRODUCTS = [
    chapter(number("i"), number("j"), text="""
        np.{outer kron}(x, y)          torch.{}(x, y)
        np.linalg.outer(x, y)          torch.outer(x, y)
        np.multiply.outer(x, y)        torch.outer(x, y)
        np.add.outer(x, y)             x[:, None] + y
        np.power.outer(abs(x) + 1, y)  (abs(x) + 1)[:, None] ** y
        np.subtract.outer(x, y)        x[:, None] - y
    """),
    chapter(number("i"), number("i"), text="""
        np.{dot vdot inner matmul}(x, y)  torch.{}(x, y)
        np.vecdot(x, y)                   torch.linalg.vecdot(x, y)
        np.einsum("i,i", x, y)            torch.einsum("i,i", x, y)
    """),
    chapter(number("ij"), number("jk"), text="""
        np.{dot:mm matmul kron}(x, y)            torch.{}(x, y)
        x @ y                                    x @ y
        np.tensordot(x, y, {0 1})                torch.tensordot(x, y, {})
        np.inner(x, y.T)                         torch.inner(x, y.T)
        np.linalg.multi_dot([x, y, y.T])         torch.linalg.multi_dot([x, y, y.T])
        np.einsum("ij,jk->{ki j ik ijk}", x, y)  torch.einsum("ij,jk->{}", x, y)
        np.einsum("ij,jk,lj->il", x, y, x)       torch.einsum("ij,jk,lj->il", x, y, x)
        np.einsum(x, [0, 1], y, [1, 2])          torch.einsum(x, [0, 1], y, [1, 2])
    """),
    chapter(number("bij"), number("jk"), text="""
        np.matmul(x, y)                        torch.matmul(x, y)
        np.matmul(y.T, x.mT)                   torch.matmul(y.T, x.mT)
        np.linalg.matmul(x, y)                 torch.linalg.matmul(x, y)
        np.matvec(x, y[:, 0])                  torch.matmul(x, y[:, 0])
        np.vecmat(x[:, 0], y)                  torch.matmul(x[:, 0].conj(), y)
        np.einsum("...ij,jk", x, y)            torch.einsum("...ij,jk->...ik", x, y)
        np.einsum("bij,jk->{bk j kji}", x, y)  torch.einsum("bij,jk->{}", x, y)
    """),
    chapter(number("ijk"), number("kij"), text="""
        np.tensordot(x, y, ([0, 2], [1, 0]))  torch.tensordot(x, y, ([0, 2], [1, 0]))
        np.linalg.tensordot(x, y, axes=1)     torch.tensordot(x, y, 1)
        np.einsum("ijk,kil->jl", x, y)        torch.einsum("ijk,kil->jl", x, y)
        np.einsum("iik->ki", x[:1, :1])       torch.einsum("iik->ki", x[:1, :1])
    """),
    chapter(number("ij3"), number("i13"), text="""
        np.cross(x, y)                         torch.linalg.cross(x, y)
        np.linalg.cross(x, y)                  torch.linalg.cross(x, y)
        np.vecdot(x, y)                        torch.linalg.vecdot(x, y)
        np.linalg.vecdot(x[:, :1], y, axis=0)  torch.linalg.vecdot(x[:, :1], y, dim=0)
        np.vdot(x[:, 0], y)                    torch.vdot(x[:, 0].ravel(), y.ravel())
    """),
]  # fmt: skip

# ---------------------------------------------------------------- linear algebra

LINALG = [
    chapter(regular("b33"), text="""
        np.linalg.{inv pinv det}(x)                          torch.linalg.{}(x)
        tuple(np.linalg.slogdet(x))                          tuple(torch.linalg.slogdet(x))
        np.linalg.pinv(hermitian(x), hermitian=True)         torch.linalg.pinv(hermitian(x), hermitian=True)
        np.linalg.matrix_power(x, {5 -3})                    torch.linalg.matrix_power(x, {})
        np.linalg.cholesky(definite(x), upper={False True})  torch.linalg.cholesky(definite(x), upper={})
        np.linalg.eigvalsh(x, {"L" "U"})                     torch.linalg.eigvalsh(x, {})
        np.linalg.eigh(x)[0]                                 torch.linalg.eigh(x)[0]
        of_vectors(*np.linalg.eigh({x hermitian(x)}))        of_vectors(*torch.linalg.eigh({}))
        sizes(np.linalg.eigh(hermitian(x))[1])               sizes(torch.linalg.eigh(hermitian(x))[1])
        moments(np.linalg.eigvals(x))                        moments(torch.linalg.eigvals(x))
        moments(np.linalg.eig(x)[0])                         moments(torch.linalg.eig(x)[0])
        of_eigen(*np.linalg.eig(x))                          of_eigen(*torch.linalg.eig(x))
        sizes(np.linalg.eig(x)[1]).sum(-1)                   sizes(torch.linalg.eig(x)[1]).sum(-1)
        np.linalg.svdvals(x)                                 torch.linalg.svdvals(x)
        tuple(np.linalg.qr(x))                               tuple(torch.linalg.qr(x))
        calligrad.scipy.linalg.expm(0.2 * x)                 torch.linalg.matrix_exp(0.2 * x)
    """),
    chapter(regular("33"), text="""
        np.linalg.cond(x, {1 -1 np.inf -np.inf "fro"})
            torch.linalg.norm(x, {}) * torch.linalg.norm(torch.linalg.inv(x), {})
        np.linalg.cond(x, {2 -2 "nuc"})                           torch.linalg.cond(x, {})
        calligrad.scipy.linalg.{inv det svdvals}(x)               torch.linalg.{}(x)
        calligrad.scipy.linalg.lu(x)                              tuple(torch.linalg.lu(x))
        calligrad.scipy.linalg.lu_factor(x)[0]                    torch.linalg.lu_factor(x)[0]
        calligrad.scipy.linalg.cholesky(definite(x), lower=True)  torch.linalg.cholesky(definite(x))
        calligrad.scipy.linalg.eigvalsh(x)                        torch.linalg.eigvalsh(x)
        tuple(np.linalg.qr(x, "complete"))                        tuple(torch.linalg.qr(x, "complete"))
        calligrad.scipy.linalg.block_diag(x, 2 * x)               torch.block_diag(x, 2 * x)
        np.linalg.tensorinv(x[None], 2)[:, 0]                     torch.linalg.tensorinv(x[None], 2)[:, 0]
        np.linalg.tensorsolve(x[None], x[:1])                     torch.linalg.tensorsolve(x[None], x[:1])
    """),
    chapter(regular("b33"), number("b3k"), text="np.linalg.solve(x, y)  torch.linalg.solve(x, y)"),
    chapter(regular("33"), number("3k"), text="""
        np.linalg.solve(x, y[:, 0])                              torch.linalg.solve(x, y[:, 0])
        calligrad.scipy.linalg.solve(x, y)                       torch.linalg.solve(x, y)
        calligrad.scipy.linalg.solve_triangular(x, y, lower={False True})
            torch.linalg.solve_triangular(x, y, upper=not {})
        calligrad.scipy.linalg.cho_solve((np.tril(x), True), y)  torch.cholesky_solve(y, torch.tril(x))
        calligrad.scipy.linalg.lu_solve(calligrad.scipy.linalg.lu_factor(x), y)
            torch.linalg.lu_solve(*torch.linalg.lu_factor(x), y)
    """),
    chapter(number("bIm"), text="""
        np.linalg.{pinv svdvals}(x)                               torch.linalg.{}(x)
        np.linalg.svd(x, compute_uv=False)                        torch.linalg.svdvals(x)
        product(*np.linalg.svd({x x.mT}, False))                  product(*torch.linalg.svd({}, False))
        sizes(np.linalg.svd(x, False)[{0 2}])                     sizes(torch.linalg.svd(x, False)[{}])
        tuple(np.linalg.qr(x))                                    tuple(torch.linalg.qr(x))
        np.linalg.qr(x, "r")                                      torch.linalg.qr(x)[1]
        np.linalg.matrix_norm(x, ord={1 -1 2 -2 np.inf -np.inf "fro" "nuc"})  torch.linalg.matrix_norm(x, {})
        np.linalg.matrix_norm(x, ord="nuc", keepdims=True)        torch.linalg.matrix_norm(x, "nuc", keepdim=True)
        np.linalg.vector_norm(x, axis=2, ord={0.5 1 2 3 np.inf})  torch.linalg.vector_norm(x, {}, 2)
        np.linalg.matrix_transpose(x)                             torch.transpose(x, 1, 2)
    """),
    chapter(number("mI"), text="tuple(np.linalg.qr(x))  tuple(torch.linalg.qr(x))"),
    chapter(number("Im"), number("Ik"), text="""
        np.linalg.lstsq(x, y)[0]        torch.linalg.lstsq(x, y)[0]
        np.linalg.lstsq(x, y[:, 0])[0]  torch.linalg.lstsq(x, y[:, :1])[0][:, 0]
    """),
    chapter(number("ij"), text="""
        np.linalg.norm(x)                                          torch.linalg.norm(x)
        np.linalg.norm(x, axis=1, keepdims=True)                   torch.linalg.norm(x, dim=1, keepdim=True)
        np.linalg.norm(x, {"fro" "nuc" 1 -1 2 -2 np.inf -np.inf})  torch.linalg.norm(x, {})
        np.linalg.norm(x, {0.5 1 -1 2 -2 3 np.inf -np.inf}, 1)     torch.linalg.norm(x, {}, 1)
        np.linalg.norm(x, 1, (1, 0))                               torch.linalg.norm(x, 1, (1, 0))
    """),
]  # fmt: skip

# ---------------------------------------------------------------- Fourier transforms

FOURIER = [
    chapter(number("iJ"), text="""
        np.fft.{fft ifft irfft hfft}(x)                 torch.fft.{}(x)
        np.fft.{fft ifft irfft hfft}(x, 3)              torch.fft.{}(x, 3)
        np.fft.{fft ifft irfft hfft}(x, 9, 0, "ortho")  torch.fft.{}(x, 9, 0, "ortho")
        np.fft.{fft2 ifft2 irfft2}(x)                   torch.fft.{}(x)
        np.fft.{fft2 ifft2 irfft2}(x, (3, 8), (1, 0))   torch.fft.{}(x, (3, 8), (1, 0))
        np.fft.{fftn ifftn irfftn}(x, norm="forward")   torch.fft.{}(x, norm="forward")
        np.fft.{fftn ifftn irfftn}(x, (4,), (0,))       torch.fft.{}(x, (4,), (0,))
    """),
    chapter(real("iJ"), text="""
        np.fft.{rfft ihfft}(x)                   torch.fft.{}(x)
        np.fft.{rfft ihfft}(x, 4)                torch.fft.{}(x, 4)
        np.fft.{rfft ihfft}(x, 9, 0, "ortho")    torch.fft.{}(x, 9, 0, "ortho")
        np.fft.{rfft2 rfftn}(x)                  torch.fft.{}(x)
        np.fft.{rfft2 rfftn}(x, (3, 8), (1, 0))  torch.fft.{}(x, (3, 8), (1, 0))
        np.fft.rfftn(x, norm="forward")          torch.fft.rfftn(x, norm="forward")
    """),
]  # fmt: skip

# ---------------------------------------------------------------- special functions, and layers

SPECIAL = [
    chapter(real("ij"), text="""
        scipy.special.{erf erfc erfcx expit expm1 exp2 i0 i0e i1 i1e log_ndtr ndtr}(x)  torch.special.{}(x)
        scipy.special.log_expit(x)                 tf.logsigmoid(x)
        scipy.special.huber(0.7, x)                tf.huber_loss(x, torch.zeros_like(x), "none", delta=0.7)
        calligrad.scipy.special.{softmax log_softmax logsumexp}(x, axis=1)  torch.special.{}(x, 1)
        calligrad.{erf relu sigmoid tanh}(5 * x)   torch.{}(5 * x)
        calligrad.gelu(3 * x)                      tf.gelu(3 * x)
        calligrad.gelu(3 * x, approximate="tanh")  tf.gelu(3 * x, approximate="tanh")
    """),
    chapter(positive("ij"), text="""
        scipy.special.{entr log1p}(x)            torch.special.{}(x)
        calligrad.scipy.special.polygamma(2, x)  torch.special.polygamma(2, x)
    """),
    chapter(positive("ij"), positive("j"), order=1, text="""
        scipy.special.gammaln(x)                        torch.special.gammaln(x)
        scipy.special.gamma(x)                          torch.exp(torch.lgamma(x))
        scipy.special.betaln(x, y)                      torch.lgamma(x) + torch.lgamma(y) - torch.lgamma(x + y)
        calligrad.scipy.special.multigammaln(x + 1, 3)  torch.special.multigammaln(x + 1, 3)
    """),
    chapter(unit("ij"), text="scipy.special.{erfinv logit ndtri}(x)  torch.special.{}(x)"),
    chapter(positive("ij"), positive("j"), text="""
        scipy.special.{xlogy xlog1py}(x, y)         torch.special.{}(x, y)
        scipy.special.{gammainc gammaincc}(2.5, x)  torch.special.{}(torch.tensor(2.5).double(), x)
        scipy.special.zeta(3.0, x)                  torch.special.zeta(3.0, x)
        scipy.special.rel_entr(x, y)                x * torch.log(x / y)
    """),
    chapter(real("bij"), real("kj"), real("k"), text="functional.linear(x, y, z)  tf.linear(x, y, z)"),
    chapter(real("ij"), real("ij"), text="""
        functional.mse_loss(x, y, reduction="{mean sum}")  tf.mse_loss(x, y, reduction="{}")
    """),
    chapter(real("3j"), text="""
        functional.cross_entropy(5 * x, [0, 0, j - 1])  tf.cross_entropy(5 * x, torch.tensor([0, 0, j - 1]))
    """),
]  # fmt: skip

CHAPTERS = [*ELEMENTWISE, *REDUCTIONS, *REARRANGING, *PRODUCTS, *LINALG, *FOURIER, *SPECIAL]
