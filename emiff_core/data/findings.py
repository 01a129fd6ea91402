"""What an audit of a data set can find, and what it means."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """What a finding means for the frames concerned."""

    UNUSABLE = 'unusable'  # they do not load
    SUSPICIOUS = 'suspicious'  # they load; somebody should look
    FINE = 'fine'  # as published copies are; said so that nobody wonders


class Kind(Enum):
    """The sorts of findings, worst first."""

    INDEX = ('index missing or malformed', Severity.UNUSABLE)
    NOT_INDEXED = ('pair of an image that its side does not list', Severity.UNUSABLE)
    IMAGE = ('image missing or empty', Severity.UNUSABLE)
    STAMP = ('image without a time stamp', Severity.UNUSABLE)
    CALIBRATION = ('calibration missing, malformed or not rigid', Severity.UNUSABLE)
    OFFSET = ('system_error_offset malformed', Severity.UNUSABLE)
    LABEL = ('label missing or malformed', Severity.UNUSABLE)
    ORDER = ('time stamps out of order', Severity.SUSPICIOUS)
    APART = ('pair more than 100 ms apart', Severity.SUSPICIOUS)
    SPLIT = ('split file that does not match the frames', Severity.SUSPICIOUS)
    SWAPPED = ('length and width look swapped', Severity.SUSPICIOUS)
    NO_BOXES = ('label without a box', Severity.SUSPICIOUS)
    SIZELESS = ('boxes of no size, which are skipped', Severity.FINE)
    TEXT_NUMBERS = ('numbers written as text', Severity.FINE)
    SIDE_LABELS = ('single-side labels absent, which only --by-visibility reads', Severity.FINE)
    POINT_CLOUDS = ('point clouds absent, which are never read', Severity.FINE)
    NO_SPLIT = ('no split file, which choosing a split needs', Severity.FINE)

    @property
    def title(self) -> str:
        """As it is printed."""
        return self.value[0]

    @property
    def severity(self) -> Severity:
        """What it means."""
        return self.value[1]


@dataclass(frozen=True)
class Finding:
    """One thing to know.

    Attributes:
        kind: its sort.
        line: file and key, what was expected and what was found; paths relative to the data set.
    """

    kind: Kind
    line: str


@dataclass(frozen=True)
class Audit:
    """All that was found.

    Attributes:
        frames: cooperative frames listed.
        unusable: how many of them do not load.
        boxes: boxes in their labels, those of no size left out.
        findings: in the order in which they were found.
    """

    frames: int
    unusable: int
    boxes: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there are frames and all of them load."""
        return self.frames > 0 and self.unusable == 0

    def counts(self) -> Counter[Kind]:
        """Return how many findings there are of each kind."""
        return Counter(finding.kind for finding in self.findings)
