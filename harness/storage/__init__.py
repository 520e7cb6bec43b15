"""Where traces and tables lie: keys, atomic writes, checksums, schema version."""
