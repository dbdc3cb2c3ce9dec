"""The journal and `recent`: what the mail path learned, until the database and the snapshot hold it.

One LMDB environment a host. policyd and milter append to the journal; the agent moves it into the
database, remembering there how far it got, so that nothing is lost and nothing is counted twice.
`recent` holds learned facts for look-up until a published snapshot does.
"""
