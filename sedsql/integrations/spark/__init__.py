"""Spark SQL with the functions of models, on one machine or a cluster."""

from sedsql.integrations.spark.functions import register
from sedsql.integrations.spark.requirements import SparkError
from sedsql.integrations.spark.start import session

__all__ = ["SparkError", "register", "session"]
