"""The reasons of refusal have one list in the core; messages and pages repeat it."""

from pathlib import Path

from emiff.msg import FeatureUse
from emiff_core.cooperation.refusal import Refusal

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'messages.md'


def test_the_message_has_a_constant_for_each_reason_and_no_other():
    told = {name: getattr(FeatureUse, name) for name in dir(FeatureUse) if name.startswith('REFUSED_')}
    assert told == {f'REFUSED_{reason.name}': reason.value for reason in Refusal}


def test_the_page_of_messages_tells_when_each_reason_is_given():
    told = [line.split('`')[1] for line in PAGE.read_text().splitlines() if line.startswith('| `')]
    assert told == [reason.value for reason in Refusal]
