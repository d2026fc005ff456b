"""LSDB: the classes of sources as columns of a HATS catalogue; what is Dask's works for catalogues as it is."""

from sedsql.integrations.dask import classify, with_functions

__all__ = ["classify", "with_functions"]
