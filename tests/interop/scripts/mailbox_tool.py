"""A look into an INBOX, and small changes of it, for tests of other clients.

do=headers: the header of each message, a form feed behind each.
do=messages: each message whole, octet for octet, a form feed behind each.
do=flags: a line for each message, SUBJECT | FLAGS.
do=add-flag subject=S flag=F; do=remove subject=S: on the one message with that subject.
"""

import email.parser
import imaplib
import sys

from common import *

imap = inbox(ARGUMENTS["user"])
count = int(ok(imap.select(), "SELECT")[0])
headers = [fetch(imap, number, "(BODY.PEEK[HEADER])") for number in range(1, count + 1)]
subjects = [str(email.parser.BytesHeaderParser().parsebytes(header)["Subject"]) for header in headers]


def the_one():
    matching = [number for number, subject in enumerate(subjects, 1) if subject == ARGUMENTS["subject"]]
    equal(len(matching), 1, "one message has the subject " + ARGUMENTS["subject"])
    return str(matching[0])


if ARGUMENTS["do"] == "headers":
    for header in headers:
        print(header.decode("utf-8", "backslashreplace").replace("\r\n", "\n"), end="\f")
elif ARGUMENTS["do"] == "messages":
    for number in range(1, count + 1):
        sys.stdout.buffer.write(fetch(imap, number, "(BODY.PEEK[])") + b"\f")
elif ARGUMENTS["do"] == "flags":
    for number, subject in enumerate(subjects, 1):
        flags = imaplib.ParseFlags(ok(imap.fetch(str(number), "(FLAGS)"), "FETCH")[0])
        # \Recent is the session's, not the message's.
        print(subject, "|", *sorted(flag.decode() for flag in flags if flag != b"\\Recent"))
elif ARGUMENTS["do"] == "add-flag":
    ok(imap.store(the_one(), "+FLAGS", "(%s)" % ARGUMENTS["flag"]), "STORE")
elif ARGUMENTS["do"] == "remove":
    ok(imap.store(the_one(), "+FLAGS", "(\\Deleted)"), "STORE")
    ok(imap.expunge(), "EXPUNGE")
else:
    raise SystemExit("no such thing to do: " + ARGUMENTS["do"])
imap.logout()
