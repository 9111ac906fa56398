"""Who calls, and for whom: the token endpoint (OAuth 2.0), its keys, and the check of every bearer token.

`server` issues tokens to systems that prove themselves by a signed assertion; `authenticate` turns a token into a
`Caller`. What the token says is never the last word: a machtiging that ended or an organisation that was suspended is
seen in the deciding transaction (`hub.store.region.access`). Messages themselves come in by `hub.intake`.
"""
