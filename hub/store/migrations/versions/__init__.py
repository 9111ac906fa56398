"""One module per step: ``0002_pre_….py`` runs before the new code is rolled out, ``…_post_…`` after it."""
