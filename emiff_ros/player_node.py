"""Plays a bag over DDS: /clock, rate, loop, and a pace that the slowest listener sets."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from builtin_interfaces.msg import Time
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock

from emiff_core.bag.reader import BagReader
from emiff_core.errors import EmiffError
from emiff_ros import qos
from emiff_ros.messages import time_of
from emiff_ros.parameters import declare
from emiff_ros.reports import Reports
from emiff_ros.run import RunnableNode, run
from emiff_ros.types import header_stamp_ns, message_class

_LATCHED_TOPIC = '/tf_static'
_CLOCK = '/clock'
_CLOCK_PERIOD_S = 0.01
_POLL_S = 0.02
_TOGETHER_NS = 20_000_000  # a driver may write an image's camera_info after the image


class PlayerNode(RunnableNode):
    """Publishes a bag's messages as they stand, each at its time.

    With a pace it holds the clock after each image until it has been answered or refused, so that a model slower than
    the camera sees every image. Topics and parameters: docs/player_node.md.
    """

    def __init__(self) -> None:
        """Open the bag and offer its topics.

        Raises:
            EmiffError: the bag cannot be read or holds nothing, or a parameter is not usable.
        """
        super().__init__('player_node')
        bag = declare(self, 'bag', '', 'path of the rosbag2 to play')
        self._rate = declare(self, 'rate', 1.0, 'seconds of the bag per second', (0.01, 100.0))
        self._loop = declare(self, 'loop', False, 'start again at the end; the clock jumps back')
        wanted = declare(self, 'topics', [''], 'play these topics only; none: all')
        self._start_file = declare(self, 'start_file', '', 'wait for this file, which tells when to start')
        wait_for = declare(self, 'wait_for', [''], 'subscribers to wait for before the start, each "topic=count"')
        self._wait_s = declare(self, 'wait_s', 60.0, 'longest wait for subscribers, seconds', (0.0, 3600.0))
        self._settle_s = declare(
            self, 'settle_s', 0.0, 'then wait until the listeners have met one another, seconds', (0.0, 60.0)
        )
        pace = declare(
            self, 'pace', [''], 'hold the clock until answered, each "image topic=answer topic,refusal topic"'
        )
        self._pace_s = declare(self, 'pace_s', 60.0, 'longest wait for one answer, seconds', (0.0, 3600.0))
        if not bag:
            raise EmiffError('parameter bag: expected the path of a bag to play, found nothing')
        self._reports = Reports(self)
        self._wait_for = {topic: _count(count) for topic, count in _pairs('wait_for', wait_for)}
        self._answers_of = {topic: answers.split(',') for topic, answers in _pairs('pace', pace)}
        self._bag = BagReader(Path(bag))
        if not self._bag.topics:
            raise EmiffError(f'{bag}: expected a bag with messages, found none')

        self._clock_publisher = self.create_publisher(Clock, _CLOCK, qos.OUTPUT)
        self._topics: dict[str, Publisher] = {
            topic: self.create_publisher(
                message_class(type_name), topic, qos.LATCHED if topic == _LATCHED_TOPIC else qos.OUTPUT
            )
            for topic, type_name in self._bag.topics.items()
            if topic != _CLOCK and (topic in wanted or not any(wanted))  # the time is this node's own
        }
        self._answers: dict[str, int] = {}  # topic -> stamp of its newest message
        self._asked_ns = -1  # stamp of the newest image that is to be answered
        self._answered = threading.Condition()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._play, name='player', daemon=True)
        self._subscriber_timer = self.create_timer(_POLL_S, self._subscribe_to_answers)
        self._thread.start()

    def close(self) -> None:
        """Stop playing."""
        self._stopped.set()
        self._thread.join()
        self._bag.close()

    def _subscribe_to_answers(self) -> None:
        # the type of an answer is known as soon as somebody offers it
        offered = dict(self.get_topic_names_and_types())
        for topic in self._answer_topics() - self._answers.keys():
            if topic in offered and self.count_publishers(topic):
                self._answers[topic] = -1
                self.create_subscription(
                    message_class(offered[topic][0]), topic, self._answer_to(topic), qos.OUTPUT, raw=True
                )
        if self._answer_topics() <= self._answers.keys():
            self._subscriber_timer.cancel()

    def _answer_topics(self) -> set[str]:
        return {topic for topics in self._answers_of.values() for topic in topics}

    def _answer_to(self, topic: str) -> Callable[[bytes], None]:
        def note(data: bytes) -> None:
            stamp_ns = header_stamp_ns(data)
            with self._answered:
                if stamp_ns <= self._asked_ns:  # else it is a late answer of the lap before
                    self._answers[topic] = max(self._answers[topic], stamp_ns)
                    self._answered.notify_all()

        return note

    def _play(self) -> None:
        exit_code = 1
        try:
            self._wait_for_subscribers()
            self._stopped.wait(self._settle_s)
            self._wait_for_start()
            while not self._stopped.is_set():
                self._play_once()
                if not self._loop:
                    break
                with self._answered:
                    self._answers, self._asked_ns = dict.fromkeys(self._answers, -1), -1
            exit_code = 0
        except EmiffError as error:
            self.get_logger().error(str(error))
        finally:  # whatever ends this thread ends the node
            self.exit_code = exit_code

    def _wait_for_start(self) -> None:
        self.get_logger().info('ready to play')
        path = Path(self._start_file)
        while self._start_file and not path.exists() and not self._stopped.wait(_POLL_S):
            pass
        if not self._start_file or self._stopped.is_set():
            return
        try:
            left_s = float(path.read_text()) - time.time()
        except (OSError, ValueError):
            raise EmiffError(f'{path}: expected a file with the time to start at, seconds since 1970') from None
        if left_s < 0:  # another player that began in time would be ahead of this one
            raise EmiffError(f'{path}: expected a time to come, found one {-left_s:.1f} s ago')
        self._stopped.wait(left_s)

    def _wait_for_subscribers(self) -> None:
        deadline = time.monotonic() + self._wait_s
        while not self._stopped.is_set():
            missing = [
                f'{topic} ({self._subscribers(topic)} of {count})'
                for topic, count in self._wait_for.items()
                if self._subscribers(topic) < count
            ]
            missing += [f'{topic} (not offered)' for topic in sorted(self._answer_topics() - self._answers.keys())]
            if not missing:
                return
            if time.monotonic() > deadline:
                raise EmiffError(f'expected all subscribers within {self._wait_s:.0f} s, missing: {", ".join(missing)}')
            time.sleep(_POLL_S)

    def _subscribers(self, topic: str) -> int:
        # of its own topics it knows who would receive now, of others who has been announced
        if topic in self._topics:
            return int(self._topics[topic].get_subscription_count())
        return int(self.count_subscribers(topic))

    def _play_once(self) -> None:
        begin_ns: int | None = None
        started = time.monotonic()
        asked: tuple[str, int, int] | None = None  # topic, image's stamp and time in the bag, not answered yet
        for topic, stamp_ns, data in self._bag.raw_messages():
            begin_ns = stamp_ns if begin_ns is None else begin_ns
            if topic not in self._topics:
                continue
            if asked is not None and (topic in self._answers_of or stamp_ns > asked[2] + _TOGETHER_NS):
                started += self._wait_for_answer(*asked)
                asked = None
            self._run_clock(begin_ns, started, stamp_ns)
            if self._stopped.is_set():
                return
            self._say_clock(stamp_ns)
            if topic in self._answers_of:
                asked = topic, header_stamp_ns(data), stamp_ns
                with self._answered:
                    self._asked_ns = max(self._asked_ns, asked[1])
            self._topics[topic].publish(data)
        if asked is not None:
            self._wait_for_answer(*asked)

    def _run_clock(self, begin_ns: int, started: float, until_ns: int) -> None:
        while not self._stopped.is_set():
            now_ns = begin_ns + int((time.monotonic() - started) * self._rate * 1e9)
            if now_ns >= until_ns:
                return
            self._say_clock(now_ns)
            self._stopped.wait(min(_CLOCK_PERIOD_S, (until_ns - now_ns) / self._rate / 1e9))

    def _say_clock(self, now_ns: int) -> None:
        stamp: Time = time_of(now_ns)
        self._clock_publisher.publish(Clock(clock=stamp))

    def _wait_for_answer(self, topic: str, stamp_ns: int, now_ns: int) -> float:
        """Hold the clock until an image is answered; return for how many seconds."""
        held = time.monotonic()
        answers, deadline = self._answers_of[topic], held + self._pace_s
        while not self._stopped.is_set():
            # the held time is repeated: /clock is best effort, and a node that missed it knows no time at all
            self._say_clock(now_ns)
            with self._answered:
                if self._answered.wait_for(
                    lambda: max(self._answers[answer] for answer in answers) >= stamp_ns, _CLOCK_PERIOD_S
                ):
                    break
            if time.monotonic() > deadline:
                expected = ' or '.join(answers)
                text = f'no answer on {expected} to an image of {topic} within {self._pace_s:.0f} s'
                self._reports.warn('pace', text)
                break
        return time.monotonic() - held


def _pairs(parameter: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in filter(None, lines):
        left, _, right = line.partition('=')
        if not (left and right):
            raise EmiffError(f'parameter {parameter}: expected "topic=...", found {line!r}')
        yield left, right


def _count(text: str) -> int:
    if not text.isdecimal():
        raise EmiffError(f'parameter wait_for: expected a number of subscribers, found {text!r}')
    return int(text)


def main(args: list[str] | None = None) -> int:
    """Run the node; returns the process's exit code."""
    return run(PlayerNode, args)


if __name__ == '__main__':
    sys.exit(main())
