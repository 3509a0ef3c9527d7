"""What an agent is told when the kernel under it has changed."""

from __future__ import annotations

from cokernel.session.agents import Agent, Place


def agent_in(place: Place) -> Agent:
    agent = Agent("c1", home="share")
    agent.works_in(place)
    return agent


def test_the_first_call_and_those_that_follow_in_one_kernel_are_no_news() -> None:
    kernel = object()
    agent = agent_in(Place(kernel, 1, "Console 1/A"))
    agent.works_in(Place(kernel, 1, "Console 1/A"))
    assert agent.take_news() == []


def test_a_renamed_console_is_no_news() -> None:
    kernel = object()
    agent = agent_in(Place(kernel, 1, "Console 1/A"))
    agent.works_in(Place(kernel, 1, "fit"))
    assert agent.take_news() == []


def test_a_restart_between_two_calls_is_told_once() -> None:
    kernel = object()
    agent = agent_in(Place(kernel, 1, "Console 1/A"))
    agent.works_in(Place(kernel, 2, "Console 1/A"))
    assert agent.take_news() == [
        "Console 1/A was restarted since your last call; its variables are gone."
    ]
    assert agent.take_news() == []


def test_a_share_that_leads_to_another_console_is_told() -> None:
    agent = agent_in(Place(object(), 1, "Console 1/A"))
    agent.works_in(Place(object(), 2, "Console 2/A"))
    assert agent.take_news() == ["You are in Console 2/A now; your last call was in Console 1/A."]


def test_a_kernel_that_the_agent_chose_itself_is_no_news() -> None:
    agent = agent_in(Place(object(), 1, "Console 1/A"))
    agent.choose("k1")
    agent.works_in(Place(object(), 2, "private kernel"))
    assert agent.take_news() == []
