"""The training loop, the same for every network: one or many processes, exact resume."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate import Accelerator, DistributedType
from torch import Tensor, nn

from pointvos.core.atomic import write_json
from pointvos.core.errors import InputError
from pointvos.core.progress import progress
from pointvos.core.run_facts import RunFacts, plain
from pointvos.training.checkpoint import (
    load_newest_checkpoint,
    refuse_old_checkpoints,
    save_checkpoint,
)
from pointvos.training.dry_run import dry_run
from pointvos.training.export import export_weights, exported_weights
from pointvos.training.loader import Samples, batches_of, make_loader
from pointvos.training.networks import freeze
from pointvos.training.optimizer import make_optimizer, set_learning_rate
from pointvos.training.running_mean import RunningMean, validated
from pointvos.training.settings import RunSettings
from pointvos.training.step_log import StepLog
from pointvos.training.tracking import Tracker, check_tracking

logger = logging.getLogger(__name__)


class OpenedSamples(NamedTuple):
    """The training data of a run.

    Attributes:
        samples: of the whole run over all processes.
        videos: how many make one pass over the mixture.
        left_out: for each source the videos it does without, and why.
    """

    samples: Samples
    videos: int
    left_out: dict[str, dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a run trains. The loop asks for network and samples when it is ready for them.

    Attributes:
        title: what the log calls it.
        make_network: with the weights it starts from; torch has been seeded.
        step: (network, batch, iteration) -> named loss terms, which are summed.
        open_samples: (network, number of samples) -> samples; they depend on their number alone.
        collate: samples to a batch that has `to(device)`.
        metadata: of the exported weights; ``architecture`` names the builder.
        exported: (network, its tensors by name) -> the tensors to export; None exports all of them.
        validate: (network in eval mode, steps done) -> named scores; asked every `validate_every`
            steps, of the running mean of the weights where there is one.
    """

    title: str
    make_network: Callable[[], nn.Module]
    step: Callable[[Any, Any, int], Mapping[str, Tensor]]
    open_samples: Callable[[Any, int], OpenedSamples]
    collate: Callable[[Sequence[Any]], Any]
    metadata: Mapping[str, str]
    exported: Callable[[Any, Mapping[str, Tensor]], Mapping[str, Tensor]] | None = None
    validate: Callable[[Any, int], Mapping[str, float]] | None = None


class TrainedModule(nn.Module):
    """Network and step function behind the one `forward` that distributed wrappers need."""

    def __init__(self, network: nn.Module, task: Task) -> None:
        super().__init__()
        self.network = network
        self.step = task.step

    def forward(self, batch: Any, iteration: int) -> Mapping[str, Tensor]:
        """Named loss terms of a batch."""
        return self.step(self.network, batch, iteration)


class Trained(NamedTuple):
    """What a run trains, and with what.

    Attributes:
        accelerator: of the processes.
        module: network and step, wrapped for several processes.
        optimizer: of its parameters.
        network: inside.
        frozen: how many of its numbers are not trained.
        mean: of its weights.
    """

    accelerator: Accelerator
    module: nn.Module
    optimizer: torch.optim.Optimizer
    network: nn.Module
    frozen: int
    mean: RunningMean | None


def run(settings: RunSettings, task: Task) -> Path:
    """Run the training to its end, or to `stop_after`; returns the exported weights.

    A dry run returns where they would be, and writes nothing.

    Raises:
        FileNotFoundError: a folder or file of the settings is missing.
        InputError: the data, the weights or a checkpoint do not fit the settings.
        RuntimeError: a loss is not finite; the message says at which step and which term.
    """
    facts = RunFacts(settings)
    trained = _prepare(settings, task)
    accelerator, network, mean = trained.accelerator, trained.network, trained.mean
    per_step = settings.batch_size * settings.accumulation * accelerator.num_processes
    data = task.open_samples(network, per_step * settings.iterations)
    weights = settings.output / "weights.safetensors"
    main = accelerator.is_main_process
    if settings.dry_run:
        _try(trained, settings, task, data)
        return weights
    folder, identity = settings.output / "checkpoints", _run_identity(settings, accelerator)
    start = 0
    if settings.resume:
        start = load_newest_checkpoint(accelerator, folder, identity, mean)
    else:
        refuse_old_checkpoints(folder)
    stop = max(start, min(settings.iterations, settings.stop_after or settings.iterations))
    batches = _open_batches(accelerator, settings, task, data, first=start * per_step)
    tracker = Tracker(settings.tracking if main else None, settings.output, start=start)
    log = StepLog(settings.output / "log.jsonl", start=start, active=main, tracker=tracker)
    if main:
        _announce(settings, task.title, trained, data, start)
    for iteration in _steps(start, stop, settings.iterations, log, show=main):
        optimizer = trained.optimizer
        rate = set_learning_rate(optimizer, iteration, settings.optimizer, settings.iterations)
        log.add(_train_step(trained, batches, iteration, settings))
        if mean is not None:
            mean.update(network)
        done = iteration + 1
        if done % settings.log_every == 0 or done == stop:
            log.write(done, rate)
        if settings.validate_every and done % settings.validate_every == 0:
            assert task.validate is not None
            with log.paused(), validated(network, mean):
                log.write_validation(done, task.validate(network, done))
        if done % settings.checkpoint_every == 0 or done == stop:
            save_checkpoint(accelerator, folder, done, identity, mean)
    state = accelerator.get_state_dict(trained.module)  # all processes take part
    if main:
        tensors: Mapping[str, Tensor] = exported_weights(state, mean)
        if task.exported is not None:
            tensors = task.exported(network, tensors)
        export_weights(tensors, task.metadata, weights)
        result = {"iterations": stop, "last_log_line": log.last, "left_out": data.left_out}
        if log.last_validation:
            result["last_validation"] = log.last_validation
        write_json(settings.output / "results.json", {**result, **facts.as_dict()})
    tracker.close()
    accelerator.end_training()
    return weights


def _prepare(settings: RunSettings, task: Task) -> Trained:
    """Build what is trained, and refuse what this training cannot do before that."""
    check_tracking(settings.tracking)
    if settings.validate_every is not None and task.validate is None:
        raise InputError(
            f"validate_every: expected a training with a validation, found {task.title} without one"
        )
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)  # of the first weights
    accelerator = Accelerator(
        # Without a word of it, processes on CPUs alone would each train for themselves.
        cpu=not torch.accelerator.is_available(),
        mixed_precision=settings.precision,
        gradient_accumulation_steps=settings.accumulation,
    )
    sharded = accelerator.distributed_type == DistributedType.FSDP
    if sharded:
        _check_sharded(settings)
    network = task.make_network()
    frozen = freeze(network, settings.freeze)
    if settings.channels_last and not sharded:  # FSDP takes contiguous parameters alone
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    module, optimizer = accelerator.prepare(
        TrainedModule(network, task), make_optimizer(network, settings.optimizer)
    )
    mean = RunningMean(network, settings.optimizer.ema) if settings.optimizer.ema else None
    return Trained(accelerator, module, optimizer, network, frozen, mean)


def _check_sharded(settings: RunSettings) -> None:
    """What works on a whole network cannot work on the shards of one."""
    for name, value in (
        ("optimizer.ema", settings.optimizer.ema),
        ("validate_every", settings.validate_every),
    ):
        if value is not None:
            raise InputError(
                f"{name}: expected null where FSDP spreads the network over the processes, found "
                f"{value}"
            )


def _open_batches(
    accelerator: Accelerator, settings: RunSettings, task: Task, data: OpenedSamples, *, first: int
) -> Iterator[Any]:
    loader = make_loader(
        data.samples,
        task.collate,
        first=first,
        batch_size=settings.batch_size,
        workers=settings.workers,
    )
    return batches_of(accelerator.prepare(loader))


def _try(trained: Trained, settings: RunSettings, task: Task, data: OpenedSamples) -> None:
    """A dry run: some steps on the first batch, which is read in this process."""
    accelerator = trained.accelerator
    main = accelerator.is_main_process
    if main:
        _announce(settings, task.title, trained, data, 0)
    here = replace(settings, workers=0)
    batches = _open_batches(accelerator, here, task, data, first=0)
    set_learning_rate(trained.optimizer, 0, settings.optimizer, settings.iterations)
    dry_run(
        lambda: next(batches),
        lambda batch: _train_step(trained, repeat(batch), 0, settings),
        iterations=settings.iterations,
        show=main,
    )


def _steps(start: int, stop: int, total: int, log: StepLog, *, show: bool) -> Iterator[int]:
    """The numbers of the steps to do, with a progress bar over the whole run."""
    if not show:
        yield from range(start, stop)
        return
    bar = progress(range(start, stop), description="training", unit="step", total=total)
    bar.initial = bar.n = start  # what a run before this one did counts, but not for the rate
    for iteration in bar:
        yield iteration
        bar.set_postfix(log.last, refresh=False)


def _train_step(
    trained: Trained, batches: Iterator[Any], iteration: int, settings: RunSettings
) -> dict[str, float]:
    """One optimiser step over `accumulation` batches; returns the mean of every loss term."""
    accelerator, module, optimizer = trained.accelerator, trained.module, trained.optimizer
    sums: dict[str, float] = {}
    clip_norm = settings.optimizer.clip_norm
    for part in range(settings.accumulation):
        batch = next(batches)
        # What a step draws, as dropout does, depends on its number alone: resuming is exact.
        torch.manual_seed(_seed(settings.seed, iteration, part, accelerator.process_index))
        with accelerator.accumulate(module), accelerator.autocast():
            terms = module(batch, iteration)
            values = {name: value.detach().item() for name, value in terms.items()}
            bad = [name for name, value in values.items() if not math.isfinite(value)]
            if bad:
                raise RuntimeError(
                    f"step {iteration}: the loss term {bad[0]} is {values[bad[0]]}; lower the "
                    "learning rate or resume from the checkpoint before"
                )
            accelerator.backward(torch.stack(list(terms.values())).sum())
            if clip_norm is not None and accelerator.sync_gradients:
                accelerator.clip_grad_norm_(module.parameters(), clip_norm)
            optimizer.step()
            optimizer.zero_grad()
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + value / settings.accumulation
    return sums


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)


# What may change when a run is taken up again; everything else makes it another run.
_FREE = (
    "output", "resume", "stop_after", "threads", "workers", "log_every", "checkpoint_every",
    "cache_mb", "validate_every", "validation", "tracking", "dry_run",
)  # fmt: skip


def _run_identity(settings: RunSettings, accelerator: Accelerator) -> dict[str, object]:
    """What must be equal for a checkpoint to be of this run."""
    values = {key: value for key, value in plain(settings).items() if key not in _FREE}
    return {**json.loads(json.dumps(values)), "processes": accelerator.num_processes}


def _announce(
    settings: RunSettings, title: str, trained: Trained, data: OpenedSamples, start: int
) -> None:
    total = sum(parameter.numel() for parameter in trained.network.parameters())
    logger.info(
        "%s: %.2f M parameters, %.2f M of them frozen; %d videos a pass; step %d of %d",
        title, total / 1e6, trained.frozen / 1e6, data.videos, start, settings.iterations,
    )  # fmt: skip
    for source, reasons in data.left_out.items():
        if reasons:
            video, reason = next(iter(reasons.items()))
            logger.warning("%s: %d videos left out, %s: %s", source, len(reasons), video, reason)
