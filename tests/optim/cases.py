"""The tables of optimizers and schedules: each row is one text that runs here and in PyTorch."""

import numpy as np

OPTIMIZERS = {
    "SGD": lambda optim, params: optim.SGD(params, lr=0.02),
    "SGD of defaults": lambda optim, params: optim.SGD(params),
    "SGD momentum": lambda optim, params: optim.SGD(params, 0.02, 0.9),
    "SGD dampening": lambda optim, params: optim.SGD(params, lr=0.02, momentum=0.9, dampening=0.3),
    "SGD weight_decay": lambda optim, params: optim.SGD(params, lr=0.02, momentum=0.5, weight_decay=0.1),
    "SGD nesterov": lambda optim, params: optim.SGD(params, lr=0.02, momentum=0.9, nesterov=True),
    "SGD maximize": lambda optim, params: optim.SGD(params, lr=0.001, momentum=0.5, weight_decay=0.1, maximize=True),
    "SGD in groups": lambda optim, params: optim.SGD(
        [{"params": params[:2], "lr": 0.01}, {"params": params[2:], "momentum": 0.5, "weight_decay": 0.1}],
        lr=0.02,
        momentum=0.9,
    ),
    "Adam": lambda optim, params: optim.Adam(params, lr=0.03),
    "Adam of defaults": lambda optim, params: optim.Adam(params),
    "Adam betas and eps": lambda optim, params: optim.Adam(params, 0.03, (0.5, 0.7), 1e-2),
    "Adam weight_decay": lambda optim, params: optim.Adam(params, lr=0.03, weight_decay=0.1),
    "Adam amsgrad": lambda optim, params: optim.Adam(params, lr=0.03, betas=(0.9, 0.9), amsgrad=True),
    "Adam maximize": lambda optim, params: optim.Adam(params, lr=0.03, weight_decay=0.1, maximize=True),
    "Adam decoupled": lambda optim, params: optim.Adam(params, lr=0.03, weight_decay=0.1, decoupled_weight_decay=True),
    "Adam in groups": lambda optim, params: optim.Adam(
        [{"params": params[:1], "lr": 0.1}, {"params": params[1:3], "betas": (0.5, 0.9)}, {"params": params[3:]}]
    ),
    "AdamW": lambda optim, params: optim.AdamW(params, lr=0.03),
    "AdamW of defaults": lambda optim, params: optim.AdamW(params),
    "AdamW all": lambda optim, params: optim.AdamW(
        params, lr=0.03, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.3, amsgrad=True, maximize=True
    ),
    "NAdam": lambda optim, params: optim.NAdam(params),
    "NAdam all": lambda optim, params: optim.NAdam(params, 0.03, (0.8, 0.9), 1e-4, 0.1, 0.1, maximize=True),
    "NAdam decoupled": lambda optim, params: optim.NAdam(
        params, lr=0.03, weight_decay=0.1, decoupled_weight_decay=True
    ),
    "RAdam": lambda optim, params: optim.RAdam(params),
    "RAdam all": lambda optim, params: optim.RAdam(params, 0.03, (0.8, 0.9), 1e-4, 0.1, maximize=True),
    "RAdam of few gradients": lambda optim, params: optim.RAdam(params, lr=0.03, betas=(0.9, 0.5)),
    "RAdam decoupled": lambda optim, params: optim.RAdam(
        params, lr=0.03, weight_decay=0.1, decoupled_weight_decay=True
    ),
    "Adamax": lambda optim, params: optim.Adamax(params),
    "Adamax all": lambda optim, params: optim.Adamax(params, 0.03, (0.8, 0.9), 1e-4, 0.1, maximize=True),
    "Adadelta": lambda optim, params: optim.Adadelta(params),
    "Adadelta all": lambda optim, params: optim.Adadelta(params, 0.5, 0.8, 1e-4, 0.1, maximize=True),
    "Adagrad": lambda optim, params: optim.Adagrad(params),
    "Adagrad all": lambda optim, params: optim.Adagrad(params, 0.1, 0.05, 0.1, 0.5, 1e-4, maximize=True),
    "RMSprop": lambda optim, params: optim.RMSprop(params),
    "RMSprop alpha and eps": lambda optim, params: optim.RMSprop(params, 0.03, 0.8, 1e-3, 0.1, maximize=True),
    "RMSprop momentum": lambda optim, params: optim.RMSprop(params, lr=0.01, momentum=0.8),
    "RMSprop centered": lambda optim, params: optim.RMSprop(params, lr=0.003, centered=True),
    "RMSprop centered momentum": lambda optim, params: optim.RMSprop(params, lr=0.001, momentum=0.5, centered=True),
    "Rprop": lambda optim, params: optim.Rprop(params),
    "Rprop all": lambda optim, params: optim.Rprop(params, 0.03, (0.4, 1.3), (1e-3, 0.5), maximize=True),
    "ASGD": lambda optim, params: optim.ASGD(params),
    "ASGD all": lambda optim, params: optim.ASGD(params, 0.02, 0.01, 0.9, 20, 0.1),
    "ASGD maximize": lambda optim, params: optim.ASGD(params, lr=0.001, t0=10, maximize=True),
    "LBFGS": lambda optim, params: optim.LBFGS(params, lr=0.5, max_iter=2),
    "LBFGS of defaults": lambda optim, params: optim.LBFGS(params),
    "LBFGS history_size": lambda optim, params: optim.LBFGS(params, lr=0.3, max_iter=3, history_size=2),
    "LBFGS max_eval": lambda optim, params: optim.LBFGS(params, lr=0.3, max_iter=10, max_eval=3),
    "LBFGS tolerances": lambda optim, params: optim.LBFGS(
        params, lr=0.2, max_iter=5, tolerance_grad=1e-2, tolerance_change=1e-3
    ),
    "LBFGS strong_wolfe": lambda optim, params: optim.LBFGS(params, max_iter=2, line_search_fn="strong_wolfe"),
    "LBFGS strong_wolfe far": lambda optim, params: optim.LBFGS(
        params, lr=9, max_iter=1, max_eval=20, line_search_fn="strong_wolfe"
    ),
    "Adafactor": lambda optim, params: optim.Adafactor(params),
    "Adafactor all": lambda optim, params: optim.Adafactor(
        params, lr=0.1, beta2_decay=-0.5, eps=(1e-4, 1e-2), d=2.0, weight_decay=0.1, maximize=True
    ),
    "Muon": lambda optim, params: optim.Muon(params[2:3]),
    "Muon of a wide one": lambda optim, params: optim.Muon(params[4:], 0.02, 0.3, 0.8, False),
    "Muon all": lambda optim, params: optim.Muon(
        [params[2], params[4]], 0.02, 0.1, 0.9, True, (3.0, -4.0, 2.0), 1e-3, 3, "match_rms_adamw"
    ),
    "Muon original": lambda optim, params: optim.Muon(params[2:3], lr=0.01, adjust_lr_fn="original"),
}

SCHEDULES = {
    "StepLR": lambda s, optimizer: s.StepLR(optimizer, 30),
    "StepLR gamma": lambda s, optimizer: s.StepLR(optimizer, step_size=7, gamma=0.5),
    "MultiStepLR": lambda s, optimizer: s.MultiStepLR(optimizer, [10, 30, 30, 90]),
    "MultiStepLR gamma": lambda s, optimizer: s.MultiStepLR(optimizer, milestones=[50, 3], gamma=0.7),
    "ConstantLR": lambda s, optimizer: s.ConstantLR(optimizer),
    "ConstantLR factor": lambda s, optimizer: s.ConstantLR(optimizer, factor=0.5, total_iters=40),
    "LinearLR": lambda s, optimizer: s.LinearLR(optimizer),
    "LinearLR factors": lambda s, optimizer: s.LinearLR(optimizer, 1.0, 0.0, 90),
    "LinearLR warm-up": lambda s, optimizer: s.LinearLR(optimizer, start_factor=0.01, total_iters=50),
    "ExponentialLR": lambda s, optimizer: s.ExponentialLR(optimizer, 0.97),
    "PolynomialLR": lambda s, optimizer: s.PolynomialLR(optimizer),
    "PolynomialLR power": lambda s, optimizer: s.PolynomialLR(optimizer, total_iters=100, power=2.5),
    "CosineAnnealingLR": lambda s, optimizer: s.CosineAnnealingLR(optimizer, 50),
    "CosineAnnealingLR eta_min": lambda s, optimizer: s.CosineAnnealingLR(optimizer, T_max=17, eta_min=0.003),
    "CosineAnnealingWarmRestarts": lambda s, optimizer: s.CosineAnnealingWarmRestarts(optimizer, 10),
    "CosineAnnealingWarmRestarts T_mult": lambda s, optimizer: s.CosineAnnealingWarmRestarts(
        optimizer, T_0=5, T_mult=3, eta_min=0.001
    ),
    "CyclicLR": lambda s, optimizer: s.CyclicLR(optimizer, 0.01, 0.1),
    "CyclicLR triangular": lambda s, optimizer: s.CyclicLR(
        optimizer, [0.01, 0.02], [0.1, 0.3], step_size_up=7, step_size_down=11
    ),
    "CyclicLR triangular2": lambda s, optimizer: s.CyclicLR(
        optimizer, 0.01, 0.1, 10, mode="triangular2", base_momentum=[0.5, 0.6], max_momentum=0.95
    ),
    "CyclicLR exp_range": lambda s, optimizer: s.CyclicLR(
        optimizer, 0.01, 0.1, 10, mode="exp_range", gamma=0.98, cycle_momentum=False
    ),
    "CyclicLR scale_fn": lambda s, optimizer: s.CyclicLR(optimizer, 0.01, 0.1, 10, scale_fn=lambda i: 1 / i),
    "CyclicLR scale_mode": lambda s, optimizer: s.CyclicLR(
        optimizer, 0.01, 0.1, 10, scale_fn=lambda i: 0.99**i, scale_mode="iterations"
    ),
    "OneCycleLR": lambda s, optimizer: s.OneCycleLR(optimizer, 0.1, total_steps=130),
    "OneCycleLR epochs": lambda s, optimizer: s.OneCycleLR(optimizer, max_lr=[0.1, 0.2], epochs=13, steps_per_epoch=10),
    "OneCycleLR linear": lambda s, optimizer: s.OneCycleLR(
        optimizer, 0.1, 120, pct_start=0.45, anneal_strategy="linear", div_factor=10.0, final_div_factor=100.0
    ),
    "OneCycleLR three_phase": lambda s, optimizer: s.OneCycleLR(
        optimizer, 0.1, 120, pct_start=0.4, three_phase=True, base_momentum=0.7, max_momentum=[0.9, 0.8]
    ),
    "OneCycleLR cycle_momentum": lambda s, optimizer: s.OneCycleLR(optimizer, 0.1, 120, cycle_momentum=False),
    "CyclicLR of Adam": lambda s, optimizer: s.CyclicLR(optimizer, 0.01, 0.1, 10, base_momentum=0.7),
    "OneCycleLR of Adam": lambda s, optimizer: s.OneCycleLR(optimizer, 0.1, 120),
    "LambdaLR": lambda s, optimizer: s.LambdaLR(optimizer, lambda i: 0.95**i),
    "LambdaLR each": lambda s, optimizer: s.LambdaLR(optimizer, [lambda i: 1 / (1 + i), lambda i: i // 30]),
    "MultiplicativeLR": lambda s, optimizer: s.MultiplicativeLR(optimizer, lambda i: 0.9 + 0.1 / i),
    "MultiplicativeLR each": lambda s, optimizer: s.MultiplicativeLR(optimizer, [lambda i: 0.95, lambda i: 1.01]),
    "SequentialLR": lambda s, optimizer: s.SequentialLR(
        optimizer, [s.ConstantLR(optimizer, factor=0.1, total_iters=20), s.ExponentialLR(optimizer, gamma=0.9)], [20]
    ),
    "SequentialLR warm-up": lambda s, optimizer: s.SequentialLR(
        optimizer,
        [s.LinearLR(optimizer, 0.1, total_iters=10), s.CosineAnnealingLR(optimizer, 60), s.StepLR(optimizer, 9)],
        milestones=[10, 70],
    ),
    "ChainedScheduler": lambda s, optimizer: s.ChainedScheduler(
        [s.ConstantLR(optimizer, factor=0.1, total_iters=20), s.ExponentialLR(optimizer, gamma=0.9)]
    ),
    "ChainedScheduler of three": lambda s, optimizer: s.ChainedScheduler(
        [s.LinearLR(optimizer), s.StepLR(optimizer, 20, 0.5), s.CosineAnnealingLR(optimizer, 150)], optimizer=optimizer
    ),
    "ChainedScheduler that sets": lambda s, optimizer: s.ChainedScheduler(
        [s.ExponentialLR(optimizer, 0.9), s.StepLR(optimizer, 20, 0.5), s.LambdaLR(optimizer, lambda i: 1 / (1 + i))]
    ),
    "SWALR": lambda s, optimizer: s.SWALR(optimizer, 0.05),
    "SWALR linear": lambda s, optimizer: s.SWALR(
        optimizer, swa_lr=[0.05, 0.5], anneal_epochs=50, anneal_strategy="linear"
    ),
    "ReduceLROnPlateau": lambda s, optimizer: s.ReduceLROnPlateau(optimizer),
    "ReduceLROnPlateau max": lambda s, optimizer: s.ReduceLROnPlateau(
        optimizer, "max", factor=0.5, patience=3, cooldown=4, min_lr=[1e-3, 1e-4]
    ),
    "ReduceLROnPlateau abs": lambda s, optimizer: s.ReduceLROnPlateau(
        optimizer, factor=0.3, patience=2, threshold=0.1, threshold_mode="abs", eps=1e-3
    ),
    "ReduceLROnPlateau max abs": lambda s, optimizer: s.ReduceLROnPlateau(
        optimizer, "max", 0.5, 2, 0.1, "abs", min_lr=1e-4
    ),
}

STEPS = 100
EPOCHS = 120
RATES = (0.1, 0.02)  # of the two groups of the optimizer whose rate is scheduled
METRICS = np.cos(np.arange(EPOCHS) / 9) + 1 / (1 + np.arange(EPOCHS))  # what a plateau is looked for in

# ---------------------------------------------------------------- the problem

_rng = np.random.default_rng(7)
SHAPES = ((), (3,), (4, 3), (2, 3, 3, 3), (2, 5))
STARTS = [np.asarray(_rng.standard_normal(shape)) for shape in SHAPES]
_STEEP = [np.asarray(np.exp(_rng.uniform(-1.5, 1.5, shape))) for shape in SHAPES]
_LOW = [np.asarray(_rng.standard_normal(shape)) for shape in SHAPES]


def loss_and_gradients(params: list[np.ndarray]) -> tuple[float, list[np.ndarray]]:
    """Bowls of different steepness with ripples, tied together by the square of the sum of all numbers."""
    total = sum(float(np.sum(p)) for p in params)
    loss = 0.01 * total**2
    gradients = []
    for p, steep, low in zip(params, _STEEP, _LOW, strict=True):
        loss += float(np.sum(steep * (p - low) ** 2 / 2 + 0.2 * np.sin(2 * p)))
        gradients.append(np.asarray(steep * (p - low) + 0.4 * np.cos(2 * p) + 0.02 * total))
    return loss, gradients


def digest(trajectory: np.ndarray) -> np.ndarray:
    """A few numbers from a few of the steps (steps, numbers), which tell it from other trajectories."""
    directions = np.random.default_rng(0).standard_normal((trajectory.shape[1], 3))
    return trajectory[[0, 1, 2, 4, 9, 19, 49, -1]] @ directions
