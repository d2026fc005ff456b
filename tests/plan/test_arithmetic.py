"""A plan: against figures computed by hand, and by what must hold for all rates."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan.known_rates import rates_of

from sedsql.plan import PlanError
from sedsql.plan.arithmetic import A_MATCH, LARGE, Cluster, plan
from sedsql.plan.assumptions import assumptions
from sedsql.plan.cost import Cost, Line, line
from sedsql.plan.rates import BUILDING, CONE, COUNT, IMPORT, ON_THE_FLY, PHOTOMETRY, Rates


def test_a_sky_on_one_core_by_hand():
    found = plan(rates_of(), 36e6, Cluster(price=2.0))
    one = found.steps[IMPORT]
    assert (found.partitions, found.working, found.rows) == (12, 1, 36e6)
    assert one.seconds == pytest.approx(36_002)  # 2 s and a millisecond a source
    assert one.core_hours == pytest.approx(36_002 / 3600)
    assert one.cost == pytest.approx(36_002 / 1800)
    assert (one.read, one.written) == pytest.approx((360e6, 180e6))
    assert one.bound_by == "processor"
    assert found.seconds == pytest.approx(3 * 36_002)
    assert found.written == pytest.approx(540e6)


def test_half_of_the_work_shared_by_four_cores_takes_five_eighths():
    cost = Cost.of(rates_of().of(IMPORT))
    assert cost.parallel == pytest.approx(0.5)
    assert cost.seconds(1e6, 4) == pytest.approx(2 + 625)
    assert cost.efficiency(4) == pytest.approx(1 / 4 / 0.625)


def test_the_slowest_of_processor_disk_and_network_counts():
    # 36 million sources read 360 MB and write 180 MB.
    rates = rates_of()
    for cluster, seconds, what in (
        (Cluster(disk=1e6), 36_002, "processor"),
        (Cluster(disk=1e4), 54_000, "disk"),
        (Cluster(disk=1e4, network=5e3), 72_000, "network"),
    ):
        step = plan(rates, 36e6, cluster).steps[IMPORT]
        assert (step.seconds, step.bound_by) == (pytest.approx(seconds), what)
    assert plan(rates, 36e6, Cluster(network=5e3)).steps[PHOTOMETRY].bound_by == "processor"


def test_each_part_of_the_sky_searches_the_match_tables_again():
    # 144 million sources have 48 partitions, 36 more than the sky that was measured; each searches all rows.
    plain, searching = (plan(rates_of(search=each), 144e6, Cluster()).steps for each in (0.0, 1e-6))
    assert searching[PHOTOMETRY].seconds - plain[PHOTOMETRY].seconds == pytest.approx(144 * 36)
    assert searching[IMPORT] == plain[IMPORT]


def test_a_cone_takes_what_is_in_it_on_one_machine():
    few, many = (plan(rates_of(), 36e6, Cluster(machines=n, cores=4)).steps[CONE] for n in (1, 4))
    assert few.seconds == many.seconds == pytest.approx(0.01 + 1e-6 * 360_000)
    assert few.core_hours == many.core_hours


def test_memory_is_the_peak_and_grows_with_cores():
    two, ten = (plan(rates_of(), 1e6, Cluster(cores=cores)).steps for cores in (2, 10))
    assert two[COUNT].memory == 2e8
    assert ten[COUNT].memory == pytest.approx(2e8 + 8 * 1e8)
    assert two[IMPORT].memory == LARGE[IMPORT]


def test_photometry_holds_the_matches_of_a_part_of_the_sky():
    for sources, part_rows in ((36e6, 3e6), (36e6 + 12, 36e6 / 48), (144e6, 3e6)):
        memory = plan(rates_of(), sources, Cluster(cores=2)).steps[PHOTOMETRY].memory
        assert memory == pytest.approx(LARGE[PHOTOMETRY] + A_MATCH * part_rows, rel=1e-6)


@settings(max_examples=30)
@given(st.floats(1, 1e12), st.integers(1, 64), st.integers(1, 128), st.floats(0, 1))
def test_more_sources_never_take_less(sources, machines, cores, shared):
    rates, cluster = rates_of(search=1e-9, shared=shared), Cluster(machines, cores, 5e8, 1e8)
    less, more = plan(rates, sources, cluster), plan(rates, 2 * sources, cluster)
    for name, step in less.steps.items():
        assert more.steps[name].seconds >= step.seconds * (1 - 1e-9) or name == CONE
        assert more.steps[name].written_in_all >= step.written_in_all
    assert less.steps[CONE].seconds <= more.steps[CONE].seconds + 0.2  # smaller partitions are read for it


@settings(max_examples=30)
@given(st.floats(1e8, 1e11), st.integers(1, 6), st.integers(1, 64))
def test_twice_the_machines_take_half_the_time_but_for_what_is_fixed(sources, machines, cores):
    rates = rates_of()
    one, two = (plan(rates, sources, Cluster(n, cores)) for n in (machines, 2 * machines))
    for name in (*BUILDING, COUNT, ON_THE_FLY):
        assert two.steps[name].seconds - 2 == pytest.approx((one.steps[name].seconds - 2) / 2)
        assert two.steps[name].written_in_all == pytest.approx(one.steps[name].written_in_all)


def test_machines_without_a_part_of_the_sky_do_nothing_and_cost():
    few, many = (plan(rates_of(), 1e6, Cluster(n, price=1.0)) for n in (12, 24))
    assert many.working == 12
    assert many.steps[IMPORT].seconds == few.steps[IMPORT].seconds
    assert many.cost == pytest.approx(2 * few.cost)
    assert "the others have nothing to do" in " ".join(assumptions(rates_of(), many))


def test_a_line_goes_through_its_ends_and_never_begins_below_zero():
    assert line([(10, 3.0), (30, 7.0)]) == Line(1.0, 0.2)
    assert line([(10, 1.0), (30, 7.0)]) == Line(0.0, 7 / 30)
    assert line([(10, 3.0), (30, 2.0)]) == Line(0.0, 2 / 30)
    assert line([(10, 3.0)]) == Line(0.0, 0.3)


def test_one_thread_count_gives_no_gain():
    rates = rates_of()
    alone = replace(rates, runs=tuple(run for run in rates.runs if run.threads == 1))
    assert plan(alone, 1e6, Cluster(cores=8)).seconds == plan(alone, 1e6, Cluster()).seconds
    assert "no gain from further cores" in " ".join(assumptions(alone, plan(alone, 1e6, Cluster(cores=8))))


def test_a_step_without_runs_is_an_error():
    with pytest.raises(PlanError, match="no run of the step 'import'"):
        Rates("a machine", 152, ()).of(IMPORT)
