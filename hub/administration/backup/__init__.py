"""Backup and restore: data and keys apart, the erasure list applied, no fork of the log ever signed.

    <data backups>/<backup>/      manifest.json · hub.db or hub.pgdump · bewijslogboek-<n>.tar (closed logs)
    <key backups>/<backup>/       manifest.json · keys.db or keys.pgdump · master.key · keys/… · signer*.state ·
                                  erasures.list
    <key backups>/bewijslogboek-<n>.checkpoint      the first checkpoint of an origin that a restore began

Reading order: ``save`` (make one), ``place`` (put the files back), ``finish`` (erase again, settle the log, verify),
``restore`` (the whole of it, taken up again after a crash).
"""
