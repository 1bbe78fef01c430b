"""poplib: USER and PASS, listing, RETR, TOP, DELE, RSET, and what a cut connection leaves."""

import poplib
import time

from common import *

BODY = "first\r\n.dot\r\n.\r\nlast\r\n"


def octets(answer):
    return b"".join(line + b"\r\n" for line in answer[1])


def login(pop):
    pop.user(ALICE)
    pop.pass_(PASSWORD)
    return pop


def connect():
    """Logs in over TLS. The session before may hold the maildrop until its end has been noticed."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            return login(poplib.POP3_SSL(HOST, port("pop3s"), context=trust(), timeout=TIMEOUT))
        except poplib.error_proto as error:
            check("IN-USE" in str(error) and time.monotonic() < deadline, "PASS is accepted", error)
            time.sleep(0.05)


for subject in ("one", "two", "three"):
    deliver(message(subject, BODY))
imap = inbox()
wait_for(3, imap)
imap.logout()

# STLS, and no password before it.
pop = poplib.POP3(HOST, port("pop3"), timeout=TIMEOUT)
offer = pop.capa()
check("STLS" in offer and "USER" not in offer, "USER waits for TLS", offer)
try:
    pop.user(ALICE)
    check(False, "USER in the clear is refused")
except poplib.error_proto:
    pass
pop.stls(trust())
offer = pop.capa()
check("USER" in offer and "STLS" not in offer, "USER is offered over TLS", offer)
for capability in ("UIDL", "TOP", "PIPELINING", "RESP-CODES"):
    check(capability in offer, capability + " is offered", offer)
try:
    pop.user(ALICE)
    pop.pass_("wrong")
    check(False, "a wrong password is refused")
except poplib.error_proto:
    pass
login(pop)
pop.quit()

pop = connect()
count, total = pop.stat()
equal(count, 3, "STAT counts")
sizes = [int(line.split()[1]) for line in pop.list()[1]]
equal(sum(sizes), total, "LIST and STAT agree")
texts = [octets(pop.retr(number)) for number in (1, 2, 3)]
for number, (subject, text) in enumerate(zip(("one", "two", "three"), texts), 1):
    equal(len(text), sizes[number - 1], "LIST gives the octets that RETR sends")
    check(b"\r\nSubject: %s\r\n" % subject.encode() in text, "messages are in the order of their arrival", text)
    check(text.endswith(b"\r\n\r\n" + BODY.encode()), "the body arrives unchanged", text)
    equal(int(pop.list(number).split()[2]), sizes[number - 1], "LIST n and LIST agree")
top = octets(pop.top(1, 1))
check(top.endswith(b"\r\n\r\nfirst\r\n") and texts[0].startswith(top), "TOP sends header and lines", top)
check(octets(pop.top(1, 0)).endswith(b"\r\n\r\n"), "TOP 0 sends the header and the empty line")
uidl = [line.split()[1] for line in pop.uidl()[1]]
equal(len(set(uidl)), 3, "UIDLs differ")
equal(pop.uidl(2).split()[2], uidl[1], "UIDL n and UIDL agree")

# What is deleted is gone from the listing, RSET brings it back, and a cut connection deletes nothing.
pop.dele(2)
equal(pop.stat()[0], 2, "DELE takes it out of STAT")
equal([line.split()[0] for line in pop.list()[1]], [b"1", b"3"], "numbers do not shift")
for call in (lambda: pop.retr(2), lambda: pop.dele(2), lambda: pop.retr(4), lambda: pop.retr(0)):
    try:
        call()
        check(False, "a message that is not there is refused")
    except poplib.error_proto:
        pass
pop.rset()
equal(pop.stat()[0], 3, "RSET brings it back")
pop.dele(1)
pop.noop()
pop.close()

pop = connect()
equal([line.split()[1] for line in pop.uidl()[1]], uidl, "a cut connection deletes nothing, and UIDLs last")
# A message that comes during a session is not in it.
deliver(message("four", BODY))
equal(pop.stat()[0], 3, "numbers do not change during a session")
pop.dele(1)
pop.dele(3)
pop.quit()

pop = connect()
left = [line.split()[1] for line in pop.uidl()[1]]
equal(left[0], uidl[1], "QUIT deletes what DELE marked")
check(not {uidl[0], uidl[2]} & set(left), "QUIT deletes what DELE marked", left)
check(b"Subject: two" in octets(pop.retr(1)), "the right message is left")
pop.quit()
