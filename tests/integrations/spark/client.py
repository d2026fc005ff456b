"""Classify a file of rows over Spark Connect, and print what is said of a wrong call.

It is a process of its own, for Connect changes pyspark as a whole.

python client.py sc://127.0.0.1:PORT source.parquet answers "id, sed_class(...) AS class" [models]
"""

import shutil
import sys

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from sedsql.integrations.spark import register

remote, source, answers, select, *models = sys.argv[1:]
spark = SparkSession.builder.remote(remote).getOrCreate()
register(spark, models=models)
register(spark, models=models)  # as a notebook does whose cell is run again
for folder in models:  # what workers have of them was sent
    shutil.rmtree(folder)
spark.read.parquet(source).createOrReplaceTempView("rows")
spark.sql(f"SELECT {select} FROM rows").write.parquet(answers)
try:
    spark.sql("SELECT sed_class(id, id) FROM rows").collect()
except PySparkException as error:
    print(error)
