"""What a manager does with a node: its services, its parameters and its diagnostics, over DDS."""

import itertools
import time
from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool

STATES = {
    State.PRIMARY_STATE_UNCONFIGURED: 'unconfigured',
    State.PRIMARY_STATE_INACTIVE: 'inactive',
    State.PRIMARY_STATE_ACTIVE: 'active',
    State.PRIMARY_STATE_FINALIZED: 'finalized',
}
TRANSITIONS = {
    'configure': Transition.TRANSITION_CONFIGURE,
    'cleanup': Transition.TRANSITION_CLEANUP,
    'activate': Transition.TRANSITION_ACTIVATE,
    'deactivate': Transition.TRANSITION_DEACTIVATE,
}
SHUTDOWNS = {
    'unconfigured': Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
    'inactive': Transition.TRANSITION_INACTIVE_SHUTDOWN,
    'active': Transition.TRANSITION_ACTIVE_SHUTDOWN,
}
LEGAL = {
    ('unconfigured', 'configure'): 'inactive',
    ('inactive', 'activate'): 'active',
    ('active', 'deactivate'): 'inactive',
    ('inactive', 'cleanup'): 'unconfigured',
}
GOALS = {
    'configure': 'inactive',
    'activate': 'active',
    'deactivate': 'inactive',
    'cleanup': 'unconfigured',
    'shutdown': 'finalized',
}
_ANSWER_S = 60.0  # configure loads a model on a busy machine
_ASK_AGAIN_S = 20.0


class Manager:
    """Talks to one node."""

    def __init__(self, ros, name: str) -> None:
        self._ros = ros
        self._node = ros.node(f'manager_of_{name}')
        self._change = self._node.create_client(ChangeState, f'/{name}/change_state')
        self._state = self._node.create_client(GetState, f'/{name}/get_state')
        self._enable = self._node.create_client(SetBool, f'/{name}/enable')
        self._set = self._node.create_client(SetParameters, f'/{name}/set_parameters')
        self._diagnostics: list[DiagnosticStatus] = []
        self._asked_again = False
        self._told = f'{name}: perception'
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self._heard, 50)

    def meet(self) -> None:
        """Wait until the node serves."""
        clients = (self._change, self._state, self._enable, self._set)
        self._ros.spin_until(lambda: all(client.service_is_ready() for client in clients), 60)

    def change(self, transition: str) -> bool:
        """Ask for a transition; return whether it succeeded."""
        number = SHUTDOWNS[self.state()] if transition == 'shutdown' else TRANSITIONS[transition]
        answer = self._ask(self._change, ChangeState.Request(transition=Transition(id=number)))
        # asked twice because the first answer was lost, a transition that was made is illegal the second time
        return answer.success or (self._asked_again and self.state() == GOALS[transition])

    def state(self) -> str:
        return STATES[self._ask(self._state, GetState.Request()).current_state.id]

    def enable(self, is_on: bool) -> str:
        """Switch the work on or off; return what the node said."""
        answer = self._ask(self._enable, SetBool.Request(data=is_on))
        assert answer.success
        return answer.message

    def set(self, **values: object) -> list[str]:
        """Set parameters; return the reasons of those that were refused."""
        parameters = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        results = self._ask(self._set, SetParameters.Request(parameters=parameters)).results
        return [result.reason for result in results if not result.successful]

    def diagnosis(
        self, condition: Callable[[DiagnosticStatus, dict[str, str]], object], seconds: float = 30.0
    ) -> tuple[DiagnosticStatus, dict[str, str]]:
        """Wait for diagnostics that are as expected; return the status and its values."""
        self._diagnostics.clear()

        def found() -> tuple[DiagnosticStatus, dict[str, str]] | None:
            while self._diagnostics:
                status = self._diagnostics.pop(0)
                values = {pair.key: pair.value for pair in status.values}
                if condition(status, values):
                    return status, values
            return None

        return self._ros.spin_until(found, seconds)

    def _ask(self, client, request):
        """Return the answer; ask again where it does not come.

        A service that has not yet discovered who asks drops its answer ("failed to send response (timeout): client
        will not receive response"), although the client has found the service.
        """
        futures = [client.call_async(request)]
        asked = time.monotonic()

        def answered():
            nonlocal asked
            if time.monotonic() - asked > _ASK_AGAIN_S:
                futures.append(client.call_async(request))
                asked = time.monotonic()
            return next((future for future in futures if future.done()), None)

        future = self._ros.spin_until(answered, _ANSWER_S)
        self._asked_again = len(futures) > 1
        return future.result()

    def _heard(self, message: DiagnosticArray) -> None:
        self._diagnostics += [status for status in message.status if status.name == self._told]


def every_order(length: int) -> list[list[str]]:
    """Return all legal sequences of `length` transitions that begin and end unconfigured."""
    found = []
    for transitions in itertools.product(TRANSITIONS, repeat=length):
        state = 'unconfigured'
        for transition in transitions:
            state = LEGAL.get((state, transition))
            if state is None:
                break
        if state == 'unconfigured':
            found.append(list(transitions))
    return found
