"""policyd: answers Postfix's SMTPD_POLICY requests from the snapshot."""
