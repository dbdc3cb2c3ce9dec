"""The snapshot: all rules and aliases in a form that the mail path looks up without SQL.

    snapshot/current          the name of the generation in force, replaced atomically
    snapshot/<generation>/    an LMDB environment, written by the agent alone

A generation is built aside and published by the pointer. Later changes are written into it, one LMDB
transaction each, so a reader sees all of a change or nothing. It can be thrown away at any time: the
agent builds another from the database.
"""
