"""Objects on S3, or another object storage, read by the byte ranges that are needed, through a cache on disk."""
