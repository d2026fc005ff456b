"""A SAMP hub in this process, and programs that load the tables that they are sent."""

import time
from contextlib import contextmanager
from typing import NamedTuple

from astropy.table import Table

from sedsql.integrations.samp import library

SAMP = library()
FORMATS = {"table.load.votable": "votable", "table.load.fits": "fits"}


class Loaded(NamedTuple):
    name: str
    id: str
    table: Table


@contextmanager
def hub(file):
    """A running hub; programs find it by the file."""
    with SAMP.conf.set_temp("use_internet", False):
        hub = SAMP.SAMPHubServer(web_profile=False, lockfile=str(file))
        hub.start()
        try:
            yield
        finally:
            hub.stop()


@contextmanager
def program(name, mtype="table.load.votable", status="samp.ok"):
    """A client of the hub that `SAMP_HUB` names; `loaded` is the list of what it was sent.

    mtype : the kind of messages that it takes
    status : what it answers
    """
    client = SAMP.SAMPIntegratedClient(name=name, addr="127.0.0.1")
    client.connect()
    client.loaded = []

    def load(key, sender, message_id, mtype, params, extra):
        time.sleep(0.1)  # the hub loses an answer that comes before it begins to wait for it
        table = Table.read(params["url"].removeprefix("file://"), format=FORMATS[mtype])
        client.loaded.append(Loaded(params["name"], params["table-id"], table))
        answer = {"samp.status": status, "samp.result": {}, "samp.error": {"samp.errortxt": "out of memory"}}
        client.reply(message_id, answer)

    client.bind_receive_call(mtype, load)
    try:
        yield client
    finally:
        client.disconnect()
