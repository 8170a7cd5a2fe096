"""Bad input of every kind that comes from outside: each must give a result or one line, and do no harm.

`guard` says what harm is, `seeds` makes sound files, `mutate` breaks them, `targets` names the functions that read
them. `python tests/fuzz --help` runs more of it than the tests do.
"""
