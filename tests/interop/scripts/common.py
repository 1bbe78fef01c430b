"""What the scripts share: where the server is, whom to trust, and how to complain.

Standard library only. Arguments have the form name=value.
"""

import imaplib
import smtplib
import socket
import ssl
import sys
import time

ARGUMENTS = dict(argument.split("=", 1) for argument in sys.argv[1:])
HOST = ARGUMENTS["host"]
ALICE = ARGUMENTS["alice"]
BOB = ARGUMENTS["bob"]
PASSWORD = ARGUMENTS["password"]
TIMEOUT = 20

# The name in the certificate resolves nowhere; every client is led to loopback.
_resolve = socket.getaddrinfo


def _resolve_host(host, *arguments, **options):
    return _resolve("127.0.0.1" if host == HOST else host, *arguments, **options)


socket.getaddrinfo = _resolve_host


def port(listener):
    return int(ARGUMENTS[listener])


def trust():
    """TLS that verifies chain and name against the server's own certificate and nothing else."""
    context = ssl.create_default_context(cafile=ARGUMENTS["certificate"])
    # From 3.13 on the default also wants extensions that a self-signed certificate need not have.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    return context


def check(condition, message, *seen):
    """An assertion that no option turns off, and that shows what was seen."""
    if not condition:
        raise SystemExit("FAILED: " + message + "".join("\n  seen: %r" % (item,) for item in seen))


def equal(seen, expected, message):
    check(seen == expected, message + "\n  expected: %r" % (expected,), seen)


def refused(call, message, *codes):
    """Calls, and expects one of the SMTP reply codes as the refusal."""
    try:
        result = call()
    except smtplib.SMTPRecipientsRefused as error:
        result = list(error.recipients.values())[0]
    except smtplib.SMTPResponseException as error:
        result = (error.smtp_code, error.smtp_error)
    check(isinstance(result, tuple) and result[0] in codes, message, result)


def deliver(text, recipient=None, sender="sender@remote.test"):
    """Hands a message to port 25, as any server on the internet would."""
    with smtplib.SMTP(HOST, port("smtp"), local_hostname="client.test", timeout=TIMEOUT) as smtp:
        options = [] if text.isascii() else ["BODY=8BITMIME"]
        equal(smtp.sendmail(sender, [recipient or ALICE], text, options), {}, "no recipient is refused")


def inbox(user=None, mailbox="INBOX"):
    """An IMAP connection over TLS, logged in, with a mailbox open."""
    imap = imaplib.IMAP4_SSL(HOST, port("imaps"), ssl_context=trust(), timeout=TIMEOUT)
    imap.login(user or ALICE, PASSWORD)
    ok(imap.select(mailbox), "SELECT " + mailbox)
    return imap


def ok(answer, command):
    """The data of an answer that must be OK."""
    check(answer[0] == "OK", command + " is answered with OK", answer)
    return answer[1]


def wait_for(count, imap):
    """Waits until the open mailbox has `count` messages."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        seen = int(ok(imap.select(), "SELECT")[0])
        if seen == count:
            return
        check(time.monotonic() < deadline, "%d messages arrive in %d s" % (count, TIMEOUT), seen)
        time.sleep(0.05)


def fetch(imap, number, items="(BODY.PEEK[])"):
    """The literal of the first literal item that FETCH returns."""
    data = ok(imap.fetch(str(number), items), "FETCH " + items)
    check(data and isinstance(data[0], tuple), "FETCH %s returns a literal" % items, data)
    return data[0][1]


def message(subject, body="body\r\n", more="", author="sender@remote.test"):
    """A message with the headers that everybody has."""
    return (
        "From: Sender <%s>\r\n"
        "To: Alice <alice@example.test>\r\n"
        "Subject: %s\r\n"
        "Date: Mon, 02 Feb 2026 10:20:30 +0100\r\n"
        "Message-ID: <%s@remote.test>\r\n"
        "%s\r\n%s" % (author, subject, subject.replace(" ", "."), more, body)
    ).encode("utf-8")
