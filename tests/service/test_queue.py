"""The queue in which clients take turns, against a plain model of it."""

from hypothesis import given
from hypothesis import strategies as st

from sedsql.service.workers.queue import FairQueue


def test_clients_take_turns_and_each_keeps_its_order():
    queue: FairQueue[str] = FairQueue()
    for thing in ("a1", "a2", "a3", "b1", "c1", "c2"):
        queue.push(thing[0], thing)
    assert [queue.pop() for _ in range(7)] == ["a1", "b1", "c1", "a2", "c2", "a3", None]


def test_who_comes_later_does_not_wait_for_all_of_another():
    queue: FairQueue[str] = FairQueue()
    for i in range(100):
        queue.push("a", f"a{i}")
    queue.pop()
    queue.push("b", "b")
    assert "b" in [queue.pop(), queue.pop()]


def test_what_is_put_back_has_the_next_turn():
    queue: FairQueue[str] = FairQueue()
    for thing in ("a1", "b1", "b2"):
        queue.push(thing[0], thing)
    assert queue.pop() == "a1"
    queue.put_back("a", "a1")
    assert [queue.pop() for _ in range(3)] == ["a1", "b1", "b2"]


def test_who_has_most_gives_way_to_who_has_fewer():
    queue: FairQueue[str] = FairQueue()
    for thing in ("a1", "a2", "a3", "b1"):
        queue.push(thing[0], thing)
    assert queue.give_way("a") is None
    assert queue.give_way("b") == "a3"
    assert queue.give_way("b") is None
    assert queue.give_way("c") == "a2"
    assert [queue.pop() for _ in range(3)] == ["a1", "b1", None]


@given(st.lists(st.tuples(st.sampled_from(["push", "pop", "remove"]), st.sampled_from("abc"), st.integers(0, 5))))
def test_nothing_is_lost_or_given_twice(steps):
    queue: FairQueue[tuple[str, int]] = FairQueue()
    there: list[tuple[str, int]] = []
    for number, (step, client, which) in enumerate(steps):
        if step == "push":
            queue.push(client, (client, number))
            there.append((client, number))
        elif step == "pop":
            found = queue.pop()
            assert (found is None) == (not there)
            if found:
                assert found == next(thing for thing in there if thing[0] == found[0])  # the client's first
                there.remove(found)
        else:
            thing = there[which] if which < len(there) else (client, -1)
            assert queue.remove(thing[0], thing) == (thing in there)
            there = [one for one in there if one != thing]
        assert len(queue) == len(there)
        assert queue.of("a") == sum(thing[0] == "a" for thing in there)
