"""The phrasebook where a function has a corner, a tie or no number: who gets the gradient there.

Such a gradient is a choice. Where PyTorch makes another one than calligrad, KNOWN_DIFFERENCES says which.
"""

from __future__ import annotations

from benchmarks.draws import chapter, given, number, positive, regular, right, ties

INF, NAN = float("inf"), float("nan")
INFINITE = given([INF, 1, -INF, NAN, 0, -1])

EDGES = [
    chapter(ties("ij"), ties("j"), order=1, text="""
        np.{maximum minimum arctan2 copysign logaddexp}(x, y)  torch.{}(x, y)
        np.power(abs(x), abs(y))                               torch.pow(abs(x), abs(y))
        np.clip(x, 0, 1)                                       torch.clip(x, 0, 1)
        np.clip(x, y, 2)                                       torch.clip(x, y, torch.full_like(y, 2))
        np.where(x > y, x, y)                                  torch.where(x > y, x, y)
        np.{remainder fmod}(x, 0.5)                            torch.{}(x, 0.5)
        np.power(abs(x), {0 0.5 1 1.5 2})                      torch.pow(abs(x), {})
        scipy.special.xlog1py(abs(x), abs(y))                  torch.special.xlog1py(abs(x), abs(y))
    """),
    chapter(ties("IJ"), order=1, text="""
        np.{absolute fabs:abs sinc square i0}(x)                   torch.{}(x)
        abs(x)                                                     abs(x)
        x**{0 1 2 3}                                               x**{}
        np.{max:amax min:amin}(x, 1)                               torch.{}(x, 1)
        np.{max:amax min:amin}(x)                                  torch.{}(x)
        np.{nanmax:amax nanmin:amin}(x, 1)                         torch.{}(x, 1)
        np.{maximum:amax minimum:amin}.reduce(x)                   torch.{}(x, 0)
        np.ptp(x)                                                  torch.amax(x) - torch.amin(x)
        np.{prod cumprod}(x, 1)                                    torch.{}(x, 1)
        np.prod(x)                                                 torch.prod(x)
        np.var(0 * x, 1)                                           torch.var(0 * x, 1, correction=0)
        np.cumprod(0 * x, 1)                                       torch.cumprod(0 * x, 1)
        np.sqrt(abs(x))                                            torch.sqrt(abs(x))
        np.modf(x)[0]                                              torch.frac(x)
        np.arcsin(x)                                               torch.arcsin(x)
        np.sort(x)                                                 torch.sort(x, stable=True).values
        np.linalg.norm(0 * x)                                      torch.linalg.norm(0 * x)
        np.linalg.norm(x, {0 1 2 3 np.inf -np.inf}, 1)             torch.linalg.norm(x, {}, 1)
        np.linalg.norm(0 * x, {1 2 3 np.inf -np.inf}, 1)           torch.linalg.norm(0 * x, {}, 1)
        scipy.special.{entr erf i1 i1e log_ndtr expit}(x)          torch.special.{}(x)
        np.linalg.matrix_norm(x, ord={1 -1 np.inf -np.inf "fro"})  torch.linalg.matrix_norm(x, {})
        calligrad.{relu sigmoid}(x)                                torch.{}(x)
        calligrad.gelu(x)                                          tf.gelu(x)
        np.nan_to_num(x / abs(x))                                  torch.nan_to_num(x / abs(x))
    """),
    chapter(given([[0j, 1, -1j], [2, 0, 1 + 1j]]), order=1, text="""
        np.{absolute angle sign:sgn square sinc}(x)   torch.{}(x)
        np.{prod cumprod}(x, 1)                       torch.{}(x, 1)
        np.linalg.norm(x, {1 2 3 np.inf -np.inf}, 1)  torch.linalg.norm(x, {}, 1)
        np.linalg.norm(0 * x)                         torch.linalg.norm(0 * x)
        x**{0 1 2 3}                                  x**{}
    """),
    chapter(number("I"), number("J"), order=1, text="""
        np.linalg.det(np.outer(x, y)[:2, :2])            torch.linalg.det(torch.outer(x, y)[:2, :2])
        np.linalg.det(np.outer(x, y)[:3, :3])            torch.linalg.det(torch.outer(x, y)[:3, :3])
        np.linalg.pinv(np.outer(x, y), rcond=1e-9)       torch.linalg.pinv(torch.outer(x, y), rtol=1e-9)
        np.linalg.lstsq(np.outer(x, y), x, rcond=1e-9)[0]
            torch.linalg.lstsq(torch.outer(x, y), x[:, None], rcond=1e-9, driver="gelsd")[0][:, 0]
        np.linalg.svdvals(np.outer(x, y))[:1]            torch.linalg.svdvals(torch.outer(x, y))[:1]
        np.linalg.norm(np.outer(x, y), {2 "fro"})        torch.linalg.norm(torch.outer(x, y), {})
        np.linalg.eigvalsh(np.outer(x, x.conj())).sum()  torch.linalg.eigvalsh(torch.outer(x, x.conj())).sum()
    """),
    chapter(number("33"), order=1, text="""
        np.linalg.{eigvalsh svdvals}(0 * x + np.eye(3)).sum()  torch.linalg.{}(0 * x + torch.eye(3)).sum()
        np.linalg.{det matrix_norm}(0 * x)                     torch.linalg.{}(0 * x)
        np.linalg.cholesky(0 * x + np.eye(3))                  torch.linalg.cholesky(0 * x + torch.eye(3))
    """),
    chapter(INFINITE, given([INF, NAN, 3, 2, INF, INF]), order=1, text="""
        np.{maximum minimum add subtract multiply divide hypot arctan2}(x, y)     torch.{}(x, y)
        np.{exp tanh arctan square expm1 sinc reciprocal sqrt log nan_to_num}(x)  torch.{}(x)
        np.{sum mean}(x)                                                          torch.{}(x)
        np.cumsum(x)                                                              torch.cumsum(x, 0)
        np.sort(x)                                                                torch.sort(x).values
        np.where(x > 0, x, y)                                                     torch.where(x > 0, x, y)
        calligrad.{sigmoid relu}(x)                                               torch.{}(x)
        calligrad.logsumexp(x[[2, 2, 1]])                                         torch.logsumexp(x[[2, 2, 1]], 0)
    """),
]  # fmt: skip

KNOWN_DIFFERENCES = {
    "Equal numbers share the gradient evenly; in PyTorch one of them gets all of it": [
        chapter(ties("ij"), ties("j"), order=1, text="np.{fmax fmin}(x, y)  torch.{}(x, y)"),
    ],
    "On the cut, with an imaginary part of +0, PyTorch's slope has the sign of the other side": [
        chapter(right("ij"), order=1, text="np.lib.scimath.{arcsin arccos}(x + 2)  torch.{}(x + 2 + 0j)"),
    ],
    "Of equal numbers another is taken for the quantile; both are subgradients": [
        chapter(ties("IJ"), order=1, text="np.quantile(x, {0.3 0.5}, 1)  torch.quantile(x, {}, 1)"),
    ],
    "A running maximum belongs to the first of equal numbers, in PyTorch to the last": [
        chapter(ties("IJ"), order=1, text="np.{maximum:cummax minimum:cummin}.accumulate(x)  torch.{}(x, 0).values"),
    ],
    "At the origin, and where 0 * log(0) is taken for 0, the gradient is 0; in PyTorch it is NaN": [
        chapter(given([0.0, 1]), given([0.0, 1]), order=1, text="""
            np.hypot(x, y)             torch.hypot(x, y)
            scipy.special.xlogy(x, y)  torch.special.xlogy(x, y)
        """),
    ],
    "A function of Hermitian matrices that reads one triangle has a Hermitian gradient; PyTorch's need not be": [
        chapter(regular("33"), text="""
            np.linalg.cholesky(x @ x.conj().mT + np.triu(x, 1))
                torch.linalg.cholesky(x @ x.conj().mT + torch.triu(x, 1))
            np.linalg.pinv(x, hermitian=True)  torch.linalg.pinv(x, hermitian=True)
        """),
    ],
    "A triangle that is not read has gradient 0; in PyTorch it has the gradient of the whole matrix": [
        chapter(regular("33"), text="calligrad.scipy.linalg.cho_solve((x, True), x)  torch.cholesky_solve(x, x)"),
    ],
    "The standard deviation of equal numbers has no derivative and gives NaN; in PyTorch 0": [
        chapter(ties("IJ"), order=1, text="np.std(0 * x, 1)  torch.std(0 * x, 1, correction=0)"),
    ],
    "Clipped between equal bounds the result is the upper one, which gets the gradient; in PyTorch neither gets it": [
        chapter(ties("IJ"), ties("J"), order=1, text="np.clip(x, y, y)  torch.clip(x, y, y)"),
    ],
    "NaN has no slope but NaN in abs, and slope 1 in clip, which lets it pass; in PyTorch both have slope 0": [
        chapter(INFINITE, order=1, text="""
            np.absolute(x)     torch.absolute(x)
            np.clip(x, -2, 2)  torch.clip(x, -2, 2)
        """),
    ],
    "A maximum that is NaN belongs to the NaNs; in PyTorch all numbers get NaN": [
        chapter(INFINITE, order=1, text="np.{max:amax min:amin}(x)  torch.{}(x)"),
    ],
    "Where infinities are the largest, they get the gradient; in PyTorch NaN": [
        chapter(given([INF, 1.0]), given([INF, 2.0]), order=1, text="""
            np.logaddexp(x, y)                             torch.logaddexp(x, y)
            calligrad.logsumexp(np.stack([x, y]), axis=0)  torch.logsumexp(torch.stack([x, y]), 0)
        """),
    ],
    "PyTorch's trigamma is right to nine digits, SciPy's to all": [
        chapter(positive("ij"), order=1, text="scipy.special.{digamma psi}(x)  torch.special.{}(x)"),
    ],
}  # fmt: skip
