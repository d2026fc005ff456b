"""Ask a service by astroquery's TapPlus, in an environment that has it; JSON of what came is written at the end.

in_astroquery.py URL VOTABLE QUERY UPLOAD_QUERY
"""

import json
import sys

from astropy.table import Table
from astroquery.utils.tap.core import TapPlus

url, votable, query, upload_query = sys.argv[1:]
service = TapPlus(url=url)


def rows(table):
    return [[str(value) for value in row] for row in table]


def mistake(run):
    try:
        run("SELECT paralax FROM gaiadr3.gaia_source")
    except Exception as error:
        return str(error)


tables = service.load_tables()
one = service.load_table("sed.classified")
job = service.launch_job_async(query)
found = job.get_results()
jobs = [known.jobid for known in service.list_async_jobs()]
service.remove_jobs([job.jobid])
told = {
    "tables": {table.name: [column.name for column in table.columns] for table in tables},
    "units": {column.name: column.unit for column in one.columns},
    "only": [table.name for table in service.load_tables(only_names=True)],
    "sync": rows(service.launch_job(query).get_results()),
    "async": rows(found),
    "listed": job.jobid in jobs,
    "removed": job.jobid not in [known.jobid for known in service.list_async_jobs()],
    "formats": {name: rows(service.launch_job(query, output_format=name).get_results()) for name in ("csv", "json")},
    "upload": rows(
        service.launch_job(upload_query, upload_resource=Table.read(votable), upload_table_name="mine").get_results()
    ),
    "upload of a file": rows(
        service.launch_job_async(upload_query, upload_resource=votable, upload_table_name="mine").get_results()
    ),
    "mistakes": [mistake(service.launch_job), mistake(service.launch_job_async)],
}
sys.stdout.write("\n" + json.dumps(told) + "\n")
