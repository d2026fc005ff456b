"""A download asks as many questions at a time as it should, and no more."""

import threading
import time

import pyarrow as pa

from sedsql.mirror.add.matched import Matched
from sedsql.mirror.add.parallel import at_once
from sedsql.mirror.archive import TABLES
from sedsql.mirror.table_state import TableState


def test_no_more_answers_wait_than_are_asked_for_at_a_time():
    """Also when the service is slow, and when storing is."""
    begun, stored, most, lock = 0, 0, 0, threading.Lock()

    def ask(number):
        nonlocal begun, most
        with lock:
            begun += 1
            most = max(most, begun - stored)
        time.sleep(0.5 if number < 3 else 0.01)
        return number

    came = []
    for number in at_once(range(30), ask, 3, lambda: None):
        time.sleep(0.02)
        came.append(number)
        with lock:
            stored += 1
    assert sorted(came) == list(range(30))
    assert most <= 2 * 3  # three that are asked, and three that came and are being stored


def test_where_no_source_has_a_match_nothing_is_wanted(tmp_path):
    table = TABLES["gaiadr3.allwise_best_neighbour"]
    matched = Matched("t", ("allwise_oid",), None, "", "allwise_oid", table.name, "allwise_oid")
    wanted = matched.wanted(tmp_path, TableState(table, 0), [(0, 100)])
    assert wanted.equals(pa.table({"allwise_oid": pa.array([], pa.int64())}))
