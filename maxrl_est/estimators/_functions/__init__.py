"""Advantage functions as their authors have them: how each is called is found by trying, and said.

`wrapped` is what users see. `parameters` reads the signature, `asking` orders the ways that it allows, `trying` takes
the first that works; `ways` is one way, for which `layouts` lays rollouts out and `containers` makes arrays.
"""
