"""Backup and restore: data and keys apart, the erasure list applied, no fork of the log ever signed.

    <data backups>/<backup>/      manifest.json · hub.db or hub.pgdump · bewijslogboek-<n>.tar (closed logs)
    <key backups>/<backup>/       manifest.json · keys.db or keys.pgdump · master.key · keys/… · signer*.state ·
                                  erasures.list · intrekkingen.list
    <key backups>/bewijslogboek-<n>.checkpoint      the first checkpoint of an origin that a restore began

Reading order: ``save`` (make one), ``place`` (put the files back), ``erased`` (erase again), ``settle`` (the log),
``restore`` (the whole of it, taken up again after a crash). What was taken away since: ``hub.rights.taken``.
"""
