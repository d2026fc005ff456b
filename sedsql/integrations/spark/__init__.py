"""Spark SQL with the functions of models, and with the tables of a mirror, on one machine or a cluster."""

from sedsql.integrations.spark.functions import register
from sedsql.integrations.spark.mirror import SparkMirror, mirror
from sedsql.integrations.spark.requirements import SparkError
from sedsql.integrations.spark.start import session

__all__ = ["SparkError", "SparkMirror", "mirror", "register", "session"]
