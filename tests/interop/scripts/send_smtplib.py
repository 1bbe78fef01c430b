"""smtplib: delivery on port 25, submission with STARTTLS and with TLS from the start, and what is refused."""

import smtplib

from common import *

BODY = "first\r\n.dot\r\n..two dots\r\n.\r\n" + "x" * 900 + "\r\nFrom here on\r\n\r\nend\r\n"

# Port 25, in the clear: a lone dot and lines that start with one arrive as they were.
deliver(message("by port 25", BODY))
imap = inbox()
wait_for(1, imap)
text = fetch(imap, 1)
check(text.endswith(b"\r\n\r\n" + BODY.encode()), "the body arrives unchanged", text)
header = text.split(b"\r\n\r\n", 1)[0]
check(b"Subject: by port 25" in header, "the header arrives", header)
check(b"Received: " in header and b"client.test" in header, "a Received field names the client", header)
check(b"Return-Path: <sender@remote.test>" in header, "Return-Path holds the reverse-path", header)

# Port 25 with STARTTLS.
with smtplib.SMTP(HOST, port("smtp"), local_hostname="client.test", timeout=TIMEOUT) as smtp:
    smtp.ehlo()
    check(smtp.has_extn("starttls"), "STARTTLS is offered", smtp.esmtp_features)
    smtp.starttls(context=trust())
    smtp.ehlo()
    check(not smtp.has_extn("starttls"), "STARTTLS is not offered twice", smtp.esmtp_features)
    smtp.sendmail("sender@remote.test", [ALICE, BOB], message("by tls"))
    equal(smtp.noop()[0], 250, "NOOP")
    check(smtp.verify(ALICE)[0] in (250, 252, 502, 550), "VRFY has one of its answers")
    check(smtp.help(), "HELP answers")
    equal(smtp.rset()[0], 250, "RSET")
    equal(smtp.docmd("RCPT", "TO:<%s>" % ALICE)[0], 503, "RCPT without MAIL is out of order")
    equal(smtp.docmd("DATA")[0], 503, "DATA without MAIL is out of order")
    refused(lambda: smtp.sendmail("a@remote.test", ["x@elsewhere.test"], b"x"), "relay is refused", 550)
wait_for(2, imap)
wait_for(1, inbox(BOB))

# Submission: TLS, then a password, then mail, in no other order.
with smtplib.SMTP(HOST, port("submission"), local_hostname="client.test", timeout=TIMEOUT) as smtp:
    smtp.ehlo()
    check(not smtp.has_extn("auth"), "AUTH waits for TLS", smtp.esmtp_features)
    refused(lambda: smtp.sendmail(ALICE, [BOB], b"x"), "MAIL in the clear is refused", 530)
    smtp.starttls(context=trust())
    smtp.ehlo()
    check(smtp.has_extn("auth"), "AUTH is offered over TLS", smtp.esmtp_features)
    refused(lambda: smtp.sendmail(ALICE, [BOB], b"x"), "MAIL without a password is refused", 530)
    refused(lambda: smtp.login(ALICE, "wrong", initial_response_ok=False), "a wrong password is refused", 535)
    refused(lambda: smtp.sendmail(ALICE, [BOB], b"x"), "and opens nothing", 530)
    smtp.user, smtp.password = ALICE, PASSWORD
    equal(smtp.auth("PLAIN", smtp.auth_plain)[0], 235, "AUTH PLAIN with an initial response")
    smtp.sendmail(ALICE, [BOB], message("by submission", BODY, author=ALICE))
    other = message("by another", BODY, author=BOB)
    refused(lambda: smtp.sendmail(ALICE, [BOB], other), "the author has to be who logged in", 550)

# TLS from the start; both mechanisms, with and without an initial response.
for number, (mechanism, initial) in enumerate([("LOGIN", False), ("LOGIN", True), ("PLAIN", False)]):
    with smtplib.SMTP_SSL(
        HOST, port("submissions"), local_hostname="client.test", timeout=TIMEOUT, context=trust()
    ) as smtp:
        smtp.ehlo()
        smtp.user, smtp.password = ALICE, PASSWORD
        method = smtp.auth_login if mechanism == "LOGIN" else smtp.auth_plain
        code = smtp.auth(mechanism, method, initial_response_ok=initial)[0]
        equal(code, 235, "AUTH %s, initial response: %s" % (mechanism, initial))
        smtp.sendmail(ALICE, [BOB], message("by submissions %d" % number, BODY, author=ALICE))

bob = inbox(BOB)
wait_for(5, bob)
for number in range(2, 6):
    text = fetch(bob, number)
    check(text.endswith(b"\r\n\r\n" + BODY.encode()), "the body arrives unchanged", text)
    check(b"\r\nSubject: by submission" in text, "the header arrives", text)
