"""One message through imaplib and poplib: the same octets, whatever they are."""

import poplib

from common import *

BODIES = {
    "8bit": "gr\u00fc\u00dfe\r\n",
    "no line end behind": "no line end behind",
    "dots": ".\r\n..\r\n...\r\n.a\r\n\r\n.",
    "long line": "z" * 990 + "\r\n",
    "only empty lines": "\r\n\r\n\r\n",
    "large": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n" * 20000,
}
imap = inbox()
for number, (subject, body) in enumerate(BODIES.items(), 1):
    ok(imap.append("INBOX", None, None, message(subject, body)), "APPEND of " + subject)
    ok(imap.select(), "SELECT")
    equal(fetch(imap, number), message(subject, body), "IMAP returns the octets of " + subject)

pop = poplib.POP3_SSL(HOST, port("pop3s"), context=trust(), timeout=TIMEOUT)
pop.user(ALICE)
pop.pass_(PASSWORD)
for number, (subject, body) in enumerate(BODIES.items(), 1):
    text = b"".join(line + b"\r\n" for line in pop.retr(number)[1])
    expected = message(subject, body)
    # POP3 sends lines: a last line without an end is given one.
    expected += b"" if expected.endswith(b"\r\n") else b"\r\n"
    check(text == expected, "POP3 returns the octets of " + subject, text[:2000])
pop.quit()
