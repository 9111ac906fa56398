"""The table of delivery states: every step that it does not know is an error, and its ends are ends."""

from itertools import product

import pytest

from hub.delivery.states import IN_LINE, TRANSITIONS, State, StateError, Step, after

ENDS = {State.CONFIRMED, State.STOPPED, State.ERASED}


@pytest.mark.parametrize(("state", "step"), sorted(product(State, Step)))
def test_a_step_leads_where_the_table_says_and_nowhere_else(state: State, step: Step) -> None:
    if (state, step) in TRANSITIONS:
        assert after(state, step) is TRANSITIONS[state, step]
    else:
        with pytest.raises(StateError):
            after(state, step)


def test_what_is_confirmed_stopped_or_erased_is_never_released_again() -> None:
    steps = {step for state, step in TRANSITIONS if state in ENDS}
    assert steps == {Step.ERASE}


def test_nothing_leads_out_of_erased_and_everything_leads_into_it() -> None:
    assert not [pair for pair in TRANSITIONS if pair[0] is State.ERASED]
    assert {state for state, step in TRANSITIONS if step is Step.ERASE} == set(State) - {State.ERASED}


#: States from which something may still leave.
UNFINISHED = frozenset({State.WAITING, State.RELEASED, State.DELIVERED})


def test_every_unfinished_delivery_can_be_refused() -> None:
    for state in UNFINISHED:
        assert after(state, Step.REFUSE) is State.STOPPED
    assert IN_LINE < UNFINISHED


def test_every_state_can_be_reached_from_waiting() -> None:
    reached, frontier = {State.WAITING}, [State.WAITING]
    while frontier:
        here = frontier.pop()
        for (state, _), there in TRANSITIONS.items():
            if state is here and there not in reached:
                reached.add(there)
                frontier.append(there)
    assert reached == set(State)
