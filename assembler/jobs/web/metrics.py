"""Metrics that Prometheus reads: what this server counts itself, and what the database tells when it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from assembler.errors import JobError
from assembler.jobs.check import Figures, free_space, measure
from assembler.jobs.event_log import emit
from assembler.jobs.intake.check_callback import Judged
from assembler.jobs.store.records import Records
from assembler.jobs.web.listener import Seldom
from assembler.options import Options


class Metrics:
    """Metrics of one server; ``spooled`` counts the bodies that wait for the database."""

    def __init__(self, options: Options, records: Callable[[], Records], spooled: Callable[[], int]) -> None:
        self._registry, self._seldom = CollectorRegistry(), Seldom()
        self._callbacks = Counter(
            "assembler_callbacks", "Callbacks by HTTP status.", ["status"], registry=self._registry
        )
        self.seconds = Histogram(
            "assembler_callback_seconds", "From the last byte of a callback to its answer.", registry=self._registry
        )
        self._registry.register(_Asked(options, records, spooled))

    def answered(self, judged: Judged) -> None:
        """Count and log a callback; of refused ones, of which strangers may send many, one a second is logged."""
        self._callbacks.labels(judged.status).inc()
        if judged.status == 200:
            emit("callback", status=200, task=judged.task)
        elif self._seldom.is_due(str(judged.status)):
            emit("callback", "warning", status=judged.status, reason=judged.reason)

    def write(self) -> bytes:
        """Write all metrics as text; those of a database that is away are left out."""
        return generate_latest(self._registry)


class _Asked(Collector):
    def __init__(self, options: Options, records: Callable[[], Records], spooled: Callable[[], int]) -> None:
        self._options, self._records, self._spooled = options, records, spooled

    def collect(self) -> Iterator[Metric]:
        yield _gauge("spooled", "Bodies that wait for the database.", self._spooled())
        free = GaugeMetricFamily("assembler_disk_free_bytes", "Free space of home and output.", labels=["place"])
        for place, size in free_space(self._options).items():
            free.add_metric([place], size)
        yield free
        with suppress(JobError):
            yield from _of_database(measure(self._records()))

    def describe(self) -> Iterator[Metric]:
        """Names nothing: the registry would ask the database for it."""
        return iter(())


def _of_database(figures: Figures) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("assembler_jobs", "Jobs by state.", labels=["state"])
    for state, count in figures.states.items():
        jobs.add_metric([state.value], count)
    yield jobs
    yield _gauge("jobs_degraded", "Jobs whose playback lacks something.", figures.degraded)
    yield _gauge("results_missing", "Tasks whose result never came.", figures.missing)
    yield _gauge("results_gathering", "Recordings told of in parts that wait, or make no job.", figures.gathering)
    yield _gauge("other_events", "Events that were accepted and belong to no job.", figures.others)
    yield _gauge("queue_age_seconds", "Age of the job that waits longest.", figures.queue_seconds)
    yield _gauge("failures_last_hour", "Jobs that failed for good within the last hour.", figures.failures)
    yield _gauge("links_expiring", "Waiting jobs whose files will be deleted within a day.", figures.expiring)
    yield _gauge("refused_callbacks", "Refused callbacks that are kept.", figures.refused)
    yield _gauge("notices_waiting", "Notices to be sent.", figures.notices)
    yield _gauge("workers", "Workers that live.", figures.workers)
    if figures.speed is not None:
        yield _gauge("render_speed", "Class seconds per second of work, of the latest 20 playbacks.", figures.speed)
    costs = figures.costs
    yield _counter("class_seconds", "Length of what was published.", costs.length / 1000)
    yield _counter("wall_seconds", "Time of all tries.", costs.wall / 1000)
    yield _counter("cpu_seconds", "CPU time of all tries.", costs.cpu / 1000)
    yield _counter("fetched_bytes", "Bytes that were downloaded.", costs.fetched_bytes)
    yield _counter("published_bytes", "Bytes that were published.", costs.published_bytes)
    yield _counter("jobs_published", "Playbacks that were published.", costs.jobs)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"assembler_{name}", text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"assembler_{name}", text, value)
