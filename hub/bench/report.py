"""Figures as a table for people and as JSON. Ratios first: rates say more of the machine than of the hub."""

from dataclasses import asdict
from typing import Any

from hub.bench.course import BATCH, CONNECTIONS, Figures

_MS = 1_000


def rows(figures: Figures) -> list[dict[str, str]]:
    """One row for each thing that was measured."""
    single = [_single(figures, connections) for connections in CONNECTIONS]
    return [*single, *_batch(figures), *_delivery(figures), *_machine(figures)]


def _row(what: str, rate: str = "", times: str = "", ratio: str = "", cpu: str = "") -> dict[str, str]:
    return {"what": what, "messages/s": rate, "p50 / p99": times, "ratio": ratio, "server CPU per message": cpu}


def _single(figures: Figures, connections: int) -> dict[str, str]:
    load, echo = figures.accept[connections], figures.echo[connections]
    ratio = f"{load.rate / echo.rate:.2f} of echo ({echo.rate:,.0f}/s)"
    insert = figures.inserts.get(str(connections))
    if insert:
        ratio += f"; {load.rate / insert:.0%} of bare inserts ({insert:,.0f}/s)"
    plural = "connection" if connections == 1 else "connections"
    return _row(
        f"accept, {connections} {plural}", f"{load.rate:,.0f}", _times(load.p50, load.p99), ratio, _cpu(load.cpu)
    )


def _batch(figures: Figures) -> list[dict[str, str]]:
    load = figures.batch
    if load is None:
        return []
    insert = figures.inserts[f"batch {BATCH}"]
    ratio = f"{load.rate / insert:.0%} of bare inserts ({insert:,.0f}/s)"
    return [_row(f"accept, batches of {BATCH}", f"{load.rate:,.0f}", _times(load.p50, load.p99), ratio, _cpu(load.cpu))]


def _delivery(figures: Figures) -> list[dict[str, str]]:
    p50, p99, arrived, sent = figures.delivery
    w50, w99, many = figures.withdrawal
    return [
        _row("sent to webhook, 50/s", times=_times(p50, p99), ratio=f"{arrived} of {sent} arrived"),
        _row("mailbox, fetch and acknowledge", f"{figures.mailbox:,.0f}"),
        _row("withdrawal under load", times=_times(w50, w99), ratio=f"{many} withdrawals, 16 connections sending"),
    ]


def _machine(figures: Figures) -> list[dict[str, str]]:
    told = []
    for when, memory in (("idle", figures.idle), ("after the load", figures.busy)):
        parts = [
            f"{name} {one.rss:.0f}/{one.pss:.0f}" for name, one in zip(("supervisor", "worker"), memory, strict=False)
        ]
        told.append(_row(f"memory, {when}: RSS/PSS in MB", ratio=", ".join(parts)))
    cost = max((load.own_cpu for load in figures.accept.values()), default=0.0)
    told.append(_row("start to ready", times=f"{figures.ready:.2f} s"))
    told.append(_row("load generator", ratio=f"messages of {figures.bytes} bytes", cpu=f"{_cpu(cost)} of its own"))
    return told


def as_json(figures: Figures) -> dict[str, Any]:
    """Every figure, with the ratios of the first rows."""
    ratios = {f"accept {c} / echo": round(figures.accept[c].rate / figures.echo[c].rate, 3) for c in CONNECTIONS} | {
        f"accept {c} / insert": round(figures.accept[c].rate / figures.inserts[str(c)], 3)
        for c in CONNECTIONS
        if str(c) in figures.inserts
    }
    if figures.batch is not None:
        ratios[f"batch {BATCH} / insert"] = round(figures.batch.rate / figures.inserts[f"batch {BATCH}"], 3)
    return {"ratios": ratios} | asdict(figures)


def _times(p50: float, p99: float) -> str:
    return f"{p50 * _MS:.1f} / {p99 * _MS:.1f} ms"


def _cpu(seconds: float) -> str:
    return f"{seconds * 1_000_000:,.0f} µs"
