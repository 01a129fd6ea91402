"""What a bad radio does to detections: real nodes with a relay between them, in real time."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np

from emiff_core.bag.reader import BagReader
from emiff_core.cooperation.refusal import Refusal
from emiff_core.demo import topics
from emiff_core.demo.impairment import Impairment
from emiff_core.demo.processes import NodeGroup, own_domain, wait_for_exit
from emiff_core.demo.recording import Recording, read_recording
from emiff_core.demo.run import start_perception

MAX_AGE_MS = 300.0

RELAYED = '/relay_node/output/features'
_RECORDED = {
    **{topic: topics.RECORDED[topic] for topic in (topics.VEHICLE_INFO, topics.DETECTIONS, topics.STATUS)},
    topics.FEATURES: topics.RECORDED[topics.FEATURES],
    RELAYED: topics.RECORDED[topics.FEATURES],
}
# who listens to what: the perception node, the recorder, the relay
_LISTENERS = {
    topics.VEHICLE_IMAGE: 1,
    topics.VEHICLE_INFO: 2,
    topics.INFRASTRUCTURE_IMAGE: 1,
    topics.INFRASTRUCTURE_INFO: 1,
    topics.FEATURES: 2,
    RELAYED: 2,
    topics.DETECTIONS: 1,
    topics.STATUS: 1,
    '/clock': 2,
}
START_S = 120.0
_SETTLE_S = 3.0  # until listeners that the player has met have met one another

DROPS = (0.0, 0.2, 0.4)
DELAYS_MS = (0.0, 100.0, 200.0, 300.0, 500.0)

HEADINGS = (
    'lost', 'delay, ms', 'jitter, ms', 'twice', 'frames sent', 'delivered', 'images', 'skipped', 'answered',
    'with features', 'age, ms: p50', 'p95', 'oldest', 'refused',
)  # fmt: skip


@dataclass(frozen=True)
class RadioFigures:
    """What one run with a bad radio came to.

    Attributes:
        impairment: how bad the radio was.
        images: that the vehicle had to account for: all up to the last one answered.
        skipped, images_refused: of them, by the vehicle's own count.
        detection_messages, status_messages: answers to them.
        fused: answers that used a feature.
        sent, delivered: feature frames before and behind the radio, copies counted.
        ages_ms: of each use of a feature, milliseconds, computed from the stamps.
        refusals: features refused, by reason.
        exit_codes: by node.
    """

    impairment: Impairment
    images: int
    skipped: int
    images_refused: int
    detection_messages: int
    status_messages: int
    fused: int
    sent: int
    delivered: int
    ages_ms: tuple[float, ...]
    refusals: dict[str, int]
    exit_codes: dict[str, int | None]

    def failures(self) -> list[str]:
        """Return what must not happen whatever the radio does, and did, a line each."""
        found = [f'{name} ended with exit code {code}' for name, code in self.exit_codes.items() if code != 0]
        unanswered = self.images - self.skipped - self.images_refused - self.detection_messages
        if self.images == 0 or self.sent == 0:
            found.append(f'nothing was measured: {self.images} images, {self.sent} feature frames')
        if unanswered > 0:
            found.append(f'{unanswered} of {self.images} images got no answer and were neither skipped nor refused')
        if self.detection_messages > self.images:
            found.append(f'{self.detection_messages} answers came to {self.images} images: another vehicle was heard')
        if self.detection_messages != self.status_messages:
            found.append(f'{self.detection_messages} detection messages came with {self.status_messages} statuses')
        if self.ages_ms and max(self.ages_ms) > MAX_AGE_MS:
            found.append(f'a feature of {max(self.ages_ms):.1f} ms was used, {MAX_AGE_MS:.0f} ms are allowed')
        unknown = self.refusals.keys() - {reason.value for reason in Refusal}
        found += [f'{self.refusals[reason]} features were refused for {reason!r}' for reason in sorted(unknown)]
        return found


def grid(seed: int) -> list[Impairment]:
    """Return the radios that are measured: losses by delays, then reordering, copies, and all of it at once."""
    return [
        *(Impairment(drop, delay_ms, seed=seed) for drop, delay_ms in product(DROPS, DELAYS_MS)),
        Impairment(jitter_ms=250.0, seed=seed),
        Impairment(duplicate=0.5, seed=seed),
        Impairment(drop=0.4, delay_ms=50.0, jitter_ms=450.0, duplicate=0.5, seed=seed),
    ]


def measure(bag: Path, out: Path, config: Path, impairment: Impairment) -> RadioFigures:
    """Play a bag at its own speed through both nodes, the relay between them.

    Args:
        bag: what to play.
        out: new folder for the recording and the nodes' logs.
        config: of the model, whose weights are random: of radio and nodes is asked here.
        impairment: how bad the radio is.

    Raises:
        EmiffError: a node died; the line says what it said last.
    """
    environment = own_domain()
    model = {'config': config.resolve(), 'threads': 1}
    with NodeGroup(out / 'logs', environment) as group:
        recorded = [f'{topic} {kind}' for topic, kind in _RECORDED.items()]
        group.start('emiff_ros.recorder_node', {'out': out / 'recording', 'topics': recorded})
        start_perception(group, 'infrastructure_node', model)
        start_perception(group, 'vehicle_node', model | {'max_age_ms': MAX_AGE_MS}, features=RELAYED)
        group.start('emiff_ros.relay_node', asdict(impairment), {'~/input/features': topics.FEATURES})
        wait_for = [f'{topic}={count}' for topic, count in _LISTENERS.items()]
        parameters = {'bag': bag, 'wait_for': wait_for, 'wait_s': START_S, 'settle_s': _SETTLE_S}
        player = group.start('emiff_ros.player_node', parameters)
        wait_for_exit(player, group, lambda: None)
        group.stop()
        exit_codes = {node.name: node.process.returncode for node in group.nodes}
    with BagReader(out / 'recording') as reader:
        delivered = sum(1 for _ in reader.raw_messages({RELAYED}))
    return figures_of(impairment, read_recording(out / 'recording'), delivered, exit_codes)


def figures_of(
    impairment: Impairment, run: Recording, delivered: int, exit_codes: dict[str, int | None]
) -> RadioFigures:
    """Return the figures of a run; arguments and figures as in `RadioFigures`."""
    # the player does not wait for the last answers, so those images that came after the last one are left out
    last = max(run.status, default=0)
    reasons = [reason for row in run.status.values() for reason in row.refused]
    return RadioFigures(
        impairment=impairment,
        images=sum(stamp <= last for stamp in run.images),
        skipped=run.status[last].skipped if run.status else 0,
        images_refused=run.status[last].image_refusals if run.status else 0,
        detection_messages=len(run.detections),
        status_messages=len(run.status),
        fused=sum(bool(row.used) for row in run.status.values()),
        sent=len(run.feature_bytes),
        delivered=delivered,
        ages_ms=tuple((stamp - used) / 1e6 for stamp, row in run.status.items() for used in row.used),
        refusals={reason: reasons.count(reason) for reason in sorted(set(reasons))},
        exit_codes=exit_codes,
    )


def markdown(rows: list[RadioFigures]) -> str:
    """Return the figures as a table, a row a radio."""
    return as_table(HEADINGS, [cells(row) for row in rows])


def as_table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return Markdown, the columns right-aligned but for the last one."""
    rule = ['--:'] * (len(headings) - 1) + [':--']
    return ''.join(f'| {" | ".join(line)} |\n' for line in (headings, rule, *lines))


def cells(row: RadioFigures) -> tuple[str, ...]:
    """Return a row of the table, in the order of HEADINGS."""
    radio = row.impairment
    ages = np.percentile(row.ages_ms, (50, 95, 100)) if row.ages_ms else ()
    return (
        f'{radio.drop:.0%}',
        f'{radio.delay_ms:.0f}',
        f'{radio.jitter_ms:.0f}',
        f'{radio.duplicate:.0%}',
        str(row.sent),
        str(row.delivered),
        str(row.images),
        str(row.skipped),
        str(row.detection_messages),
        f'{row.fused / max(1, row.detection_messages):.0%}',
        *([f'{age:.0f}' for age in ages] or ['-'] * 3),
        ', '.join(f'{count} {reason}' for reason, count in row.refusals.items()) or '-',
    )
