"""imaplib: what a mail reader does with a mailbox."""

import imaplib
import re

from common import *

BODY = "Caf\u00e9 needle\r\n.dot\r\n" + "y" * 700 + "\r\n"


def numbers(data):
    return [int(number) for number in (data[0] or b"").split()]


# STARTTLS, and no password before it.
clear = imaplib.IMAP4(HOST, port("imap"), timeout=TIMEOUT)
check("LOGINDISABLED" in clear.capabilities, "LOGINDISABLED before TLS", clear.capabilities)
try:
    clear.login(ALICE, PASSWORD)
    check(False, "LOGIN in the clear is refused")
except imaplib.IMAP4.error:
    pass
ok(clear.starttls(trust()), "STARTTLS")
check("LOGINDISABLED" not in clear.capabilities, "LOGINDISABLED is gone after TLS", clear.capabilities)
ok(clear.login(ALICE, PASSWORD), "LOGIN")
ok(clear.select(), "SELECT")
equal(clear.logout()[0], "BYE", "LOGOUT")

for subject in ("first", "second"):
    deliver(message(subject, BODY, "Content-Type: text/plain; charset=utf-8\r\n"))
imap = inbox()
wait_for(2, imap)
check("IMAP4REV1" in imap.capabilities, "IMAP4rev1 is announced", imap.capabilities)

# ENVELOPE, size, structure, sections.
data = ok(imap.fetch("1", "(ENVELOPE RFC822.SIZE INTERNALDATE UID FLAGS)"), "FETCH")
line = b" ".join(part if isinstance(part, bytes) else b" ".join(part) for part in data)
for piece in (b'"Mon, 02 Feb 2026 10:20:30 +0100"', b'"first"', b'"sender" "remote.test"', b'"alice" "example.test"'):
    check(piece in line, "ENVELOPE holds %r" % piece, line)
whole = fetch(imap, 1)
equal(int(re.search(rb"RFC822\.SIZE (\d+)", line).group(1)), len(whole), "RFC822.SIZE is the size of BODY[]")
check(imaplib.Internaldate2tuple(line), "INTERNALDATE can be read", line)
check(b'"TEXT" "PLAIN"' in ok(imap.fetch("1", "(BODYSTRUCTURE)"), "FETCH")[0].upper(), "BODYSTRUCTURE")
equal(fetch(imap, 1, "(BODY.PEEK[TEXT])"), BODY.encode(), "BODY[TEXT] is the body")
equal(fetch(imap, 1, "(BODY.PEEK[1])"), BODY.encode(), "BODY[1] of a single part is the body")
equal(fetch(imap, 1, "(BODY.PEEK[HEADER])") + fetch(imap, 1, "(BODY.PEEK[TEXT])"), whole, "header and text are all")
equal(fetch(imap, 1, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"), b"Subject: first\r\n\r\n", "one header field")
equal(fetch(imap, 1, "(BODY.PEEK[]<5.20>)"), whole[5:25], "a part of the octets")

# Flags: PEEK sets nothing, BODY[] sets \Seen, STORE does what it says, and it lasts.
check(b"\\Seen" not in ok(imap.fetch("1", "(FLAGS)"), "FETCH")[0], "PEEK does not set \\Seen")
fetch(imap, 1, "(BODY[])")
check(b"\\Seen" in ok(imap.fetch("1", "(FLAGS)"), "FETCH")[0], "BODY[] sets \\Seen")
check(b"\\Flagged" in ok(imap.store("2", "+FLAGS", "(\\Flagged $Label1)"), "STORE")[0], "STORE reports flags")
again = inbox()
seen = ok(again.fetch("2", "(FLAGS)"), "FETCH")[0]
check(b"\\Flagged" in seen and b"$Label1" in seen, "flags are there for another session", seen)
ok(again.store("2", "-FLAGS.SILENT", "(\\Flagged)"), "STORE")
check(b"\\Flagged" not in ok(again.fetch("2", "(FLAGS)"), "FETCH")[0], "a flag can be taken away")
again.logout()

# Search.
for criteria, expected in (
    (("ALL",), [1, 2]),
    (("SUBJECT", "second"), [2]),
    (("BODY", "NEEDLE"), [1, 2]),
    (("SEEN",), [1]),
    (("KEYWORD", "$Label1"), [2]),
    (("NOT", "SEEN"), [2]),
    (("OR", "SUBJECT", "first", "SUBJECT", "nothing"), [1]),
    (("SENTON", "2-Feb-2026"), [1, 2]),
    (("LARGER", str(len(whole) + 1000)), []),
    (("FROM", "sender@remote.test", "TO", "alice"), [1, 2]),
    (("HEADER", "Message-ID", "second@"), [2]),
):
    equal(numbers(ok(imap.search(None, *criteria), "SEARCH")), expected, "SEARCH " + " ".join(criteria))
imap.literal = "Caf\u00e9".encode()
equal(numbers(ok(imap.search("UTF-8", "BODY"), "SEARCH")), [1, 2], "SEARCH CHARSET UTF-8 BODY with a literal")

# Mailboxes.
ok(imap.create("Papers"), "CREATE")
ok(imap.create("Papers/2026"), "CREATE below")
listed = b"\n".join(ok(imap.list(), "LIST"))
for name in (b"INBOX", b"Papers", b"Papers/2026"):
    check(name in listed, "LIST shows %r" % name, listed)
ok(imap.subscribe("Papers"), "SUBSCRIBE")
check(b"Papers" in b"\n".join(item or b"" for item in ok(imap.lsub(), "LSUB")), "LSUB shows it")
equal(imap.create("Papers")[0], "NO", "a mailbox is not made twice")
equal(imap.select('"No such mailbox"')[0], "NO", "SELECT of nothing")
ok(imap.select(), "SELECT")

# APPEND keeps octets, flags and the date.
date = '"17-Jul-1996 02:44:25 -0700"'
octets = message("appended", "a literal\r\n\r\n.\r\nwith a dot\r\n")
ok(imap.append("Papers", "(\\Seen $Kept)", date, octets), "APPEND")
ok(imap.select("Papers"), "SELECT")
equal(fetch(imap, 1), octets, "APPEND's octets come back unchanged")
line = ok(imap.fetch("1", "(FLAGS INTERNALDATE)"), "FETCH")[0]
check(b"\\Seen" in line and b"$Kept" in line, "APPEND's flags are kept", line)
equal(
    imaplib.Internaldate2tuple(line), imaplib.Internaldate2tuple(b"INTERNALDATE " + date.encode()), "and its date"
)
equal(imap.append("Nowhere", None, None, octets)[0], "NO", "APPEND to nothing")

# COPY keeps octets and flags; EXPUNGE removes what is \Deleted and nothing else.
ok(imap.select(), "SELECT")
original = fetch(imap, 2)
ok(imap.copy("2", "Papers"), "COPY")
ok(imap.store("1", "+FLAGS", "(\\Deleted)"), "STORE")
equal(ok(imap.expunge(), "EXPUNGE"), [b"1"], "EXPUNGE reports the number")
equal(numbers(ok(imap.search(None, "ALL"), "SEARCH")), [1], "one message is left")
equal(fetch(imap, 1), original, "the other message is untouched and has moved up")
ok(imap.select("Papers"), "SELECT")
equal(fetch(imap, 2), original, "COPY keeps the octets")
check(b"$Label1" in ok(imap.fetch("2", "(FLAGS)"), "FETCH")[0], "COPY keeps the flags")

# UIDs: never used again, the same in another session.
uids = numbers(ok(imap.uid("SEARCH", None, "ALL"), "UID SEARCH"))
equal(len(uids), 2, "every message has a UID")
ok(imap.uid("STORE", str(uids[1]), "+FLAGS.SILENT", "(\\Deleted)"), "UID STORE")
ok(imap.close(), "CLOSE")
ok(imap.append("Papers", None, None, octets), "APPEND")
ok(imap.select("Papers", readonly=True), "EXAMINE")
later = numbers(ok(imap.uid("SEARCH", None, "ALL"), "UID SEARCH"))
check(later[0] == uids[0] and later[1] > uids[1], "a UID is never given again", uids, later)

# A mailbox opened to be read only is not changed by reading.
data = imap.store("1", "-FLAGS", "(\\Seen)")
ok(imap.select("Papers"), "SELECT")
check(b"\\Seen" in ok(imap.fetch("1", "(FLAGS)"), "FETCH")[0], "EXAMINE changes nothing", data)
ok(imap.select(), "SELECT")
ok(imap.rename("Papers/2026", "Papers/Old"), "RENAME")
ok(imap.delete("Papers/Old"), "DELETE")
check(b"Old" not in b"\n".join(ok(imap.list(), "LIST")), "DELETE deletes")
status = ok(imap.status("Papers", "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY)"), "STATUS")[0]
check(b"MESSAGES 2" in status and b"UNSEEN 1" in status, "STATUS counts", status)
equal(imap.logout()[0], "BYE", "LOGOUT")

# One account does not see the other.
bob = inbox(BOB)
equal(numbers(ok(bob.search(None, "ALL"), "SEARCH")), [], "Bob's INBOX is empty")
check(b"Papers" not in b"\n".join(ok(bob.list(), "LIST")), "Bob does not see Alice's mailboxes")
