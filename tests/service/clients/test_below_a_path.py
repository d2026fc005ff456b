"""A proxy asks a service below the path of its URL."""

import pytest
import pyvo
from servers.datalabs import free_port, proxied
from serving import serving


@pytest.mark.slow
def test_pyvo_asks_at_once_and_by_jobs(sky, tmp_path):
    port, query = free_port(), "SELECT class, COUNT(*) AS n FROM sed.classified GROUP BY class"
    with proxied(port, "/datalabs/7") as url, serving(sky, tmp_path, port=port, url=f"{url}tap"):
        service = pyvo.dal.TAPService(f"{url}tap")
        at_once = service.run_sync(query).to_table()
        job = service.submit_job(query)
        assert job.url.startswith(f"{url}tap/async/")
        job.run().wait()
        assert sum(job.fetch_result().to_table()["n"]) == sum(at_once["n"]) == 2_000
        job.delete()
