"""The Sieve script that acts on Gatepost's verdict before the user's own script. Pure.

Entry point: `verdict_script`. A message has a line `X-Gatepost-Verdict: ann@example.com; block; …`
for each final mailbox with a verdict. The script keeps the line of the mailbox that it runs for and
deletes all others, so that nobody learns whom else a message was for and what they think of its
sender. A block goes to Junk and past the user's script; anything else goes on to it.

Source: RFC 5228, RFC 5229 (variables, `:quotewildcard`), RFC 5233 (subaddress), RFC 5293
(editheader), RFC 5490 (mailbox).

SECURITY
    `:quotewildcard` keeps a local part such as `*` from matching another mailbox's line. Equality is
    that of Sieve's i;ascii-casemap, as mail has it.
"""

from __future__ import annotations

HEADER = "X-Gatepost-Verdict"
JUNK = "Junk"

_SCRIPT = """\
# {banner}
require ["editheader", "envelope", "fileinto", "mailbox", "subaddress", "variables"];

# This mailbox as the header may spell it: without its +detail, or as the envelope has it (a quoted
# local part is quoted there too).
if envelope :user :matches "to" "*" {{ set :quotewildcard "user" "${{1}}"; }}
if envelope :domain :matches "to" "*" {{ set :quotewildcard "domain" "${{1}}"; }}
if envelope :all :matches "to" "*" {{ set :quotewildcard "address" "${{1}}"; }}

set "line" "";
set "verdict" "";
if header :matches "{header}" ["${{user}}@${{domain}}; *", "${{address}}; *"] {{
  set "line" "${{0}}";
  set "verdict" "${{1}}";
}}

deleteheader "{header}";
if not string :is "${{line}}" "" {{ addheader "{header}" "${{line}}"; }}

if string :matches "${{verdict}}" ["block", "block;*"] {{
  fileinto :create "{junk}";
  stop;
}}
"""


def verdict_script(command: str) -> str:
    """Write the script; `command` is what makes it again."""
    banner = f"Written by Gatepost; change it with: {command}"
    return _SCRIPT.format(banner=banner, header=HEADER, junk=JUNK)
