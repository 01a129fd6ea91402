"""Managed (lifecycle) nodes: what configure builds, activate starts, deactivate stops and cleanup frees."""

import gc
import time
import traceback
from abc import abstractmethod
from typing import Protocol

import torch
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from std_srvs.srv import SetBool

from emiff_core.errors import EmiffError
from emiff_core.monitoring.health import Health, Level, Limits, Report
from emiff_core.monitoring.memory import resident_mib
from emiff_ros.diagnostics import Description, Diagnostics
from emiff_ros.gate import Gate
from emiff_ros.parameters import declare
from emiff_ros.run import RunnableNode


class Work(Protocol):
    """What a node makes when it is configured: the model, the topics and the threads. It sends through the gate.

    Attributes:
        health: of this work.
    """

    health: Health

    def values(self, report: Report) -> dict[str, str]:
        """Return the figures of the diagnostics, but for state and memory."""

    def pause(self) -> None:
        """Drop what waits; the gate has just been closed."""

    def close(self) -> None:
        """End the threads and destroy the topics; what is in work is finished first."""


class ManagedNode(LifecycleNode, RunnableNode):
    """A node whose work is made by configure and runs while the node is active and enabled.

    With the parameter auto_start it walks to active by itself, and the process ends where that fails.
    """

    ends_on_errors = False

    def __init__(self, name: str) -> None:
        """Make the node unconfigured.

        Raises:
            EmiffError: a parameter is not usable.
        """
        super().__init__(name)
        self._auto_start = declare(self, 'auto_start', True, 'become active at the start; false: a manager does it')
        self.gate = Gate()
        self.work: Work | None = None
        self.state = 'unconfigured'
        self.is_enabled = True
        self._failure: str | None = None  # a text while the node starts itself: the process ends with it
        self._diagnostics = Diagnostics(self, self._describe)
        self._enable_service = self.create_service(SetBool, '~/enable', self._enable)

    @abstractmethod
    def make_work(self) -> Work:
        """Load the model, and make the topics that work needs.

        Raises:
            EmiffError: the model cannot be used, or what else a user can mend.
        """

    def begin(self) -> None:
        """Walk to active if the node starts itself.

        Raises:
            EmiffError: a transition failed; the line says why.
        """
        if not self._auto_start:
            return
        self._failure = ''
        for transition in (self.trigger_configure, self.trigger_activate):
            if transition() != TransitionCallbackReturn.SUCCESS:
                raise EmiffError(self._failure)
        self._failure = None

    def close(self) -> None:
        """Shut down, whatever the state."""
        if self.state != 'finalized':
            self.trigger_shutdown()

    def on_configure(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Make the work; a model that cannot be used leaves the node unconfigured."""
        try:
            self.work = self.make_work()
        except EmiffError as error:
            self._fail(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception as error:  # a GPU out of memory, say; rclpy would swallow it without a word
            self._fail(f'unexpected {type(error).__name__}: {error}')
            self.get_logger().debug(traceback.format_exc())
            return TransitionCallbackReturn.ERROR
        self.state = 'inactive'
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Start the work."""
        self.state = 'active'
        self._apply()
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Stop the work; the answer to an image in work is dropped."""
        self.state = 'inactive'
        self._apply()
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Free what configure made."""
        self._tear_down('unconfigured')
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, for good."""
        self._tear_down('finalized')
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Free what a failed transition left, and be unconfigured."""
        self._tear_down('unconfigured')
        return TransitionCallbackReturn.SUCCESS

    def _tear_down(self, state: str) -> None:
        self.state = state
        self._apply()
        work, self.work = self.work, None
        if work is not None:
            work.close()
        del work
        gc.collect()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def _enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self.is_enabled = bool(request.data)
        self._apply()
        response.success = True
        response.message = f'{"enabled" if self.is_enabled else "disabled"}, {self.state}'
        return response

    def _apply(self) -> None:
        """Open or close the gate, as state and switch have it."""
        is_wanted = self.state == 'active' and self.is_enabled
        if is_wanted == self.gate.is_open:
            return
        if is_wanted:
            if self.work is not None:
                self.work.health.begin()
            self.gate.open()
        else:
            self.gate.close()
            if self.work is not None:
                self.work.pause()

    def _describe(self, limits: Limits) -> Description:
        values = {
            'state': self.state,
            'enabled': str(self.is_enabled).lower(),
            'memory_mib': f'{resident_mib():.0f}',
        }
        if self.work is None:
            return Description(Level.OK, self.state, values)
        report = self.work.health.report(time.monotonic(), limits)
        values |= self.work.values(report)
        if not self.gate.is_open:
            return Description(Level.OK, self.state if self.is_enabled else f'disabled, {self.state}', values)
        return Description(report.level, report.message, values)

    def _fail(self, text: str) -> None:
        if self._failure is None:
            self.get_logger().error(' '.join(text.split()))
        else:
            self._failure = text
