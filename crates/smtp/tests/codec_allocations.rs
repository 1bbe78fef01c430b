//! Reading a command takes nothing from the heap beyond the line, and writing a reply of one line takes nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use bytes::BytesMut;
use posthaste_smtp::{Command, EnhancedStatus, Reply, ReplyReader};
use posthaste_testkit::measure;
use posthaste_wire::ReceiveBuffer;

#[test]
fn commands_are_slices_of_their_line() {
    let lines: [&[u8]; 9] = [
        b"EHLO client.example.test\r\n",
        b"MAIL FROM:<alice@example.test> SIZE=123456 BODY=8BITMIME SMTPUTF8 AUTH=<> ENVID=abc\r\n",
        b"MAIL FROM:<\"a b\"@[IPv6:2001:db8::1]> RET=FULL BY=5;N HOLDUNTIL=2028-01-01T00:00:00Z\r\n",
        b"RCPT TO:<@a.test:bob@mail.example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@mail.example.test\r\n",
        b"RCPT TO:<\xc3\xbcser@b\xc3\xbccher.test>\r\n",
        b"DATA\r\n",
        b"BDAT 123456 LAST\r\n",
        b"VRFY bob\r\n",
        b"QUIT\r\n",
    ];
    let mut buffer = ReceiveBuffer::new();
    for line in lines {
        // The receive buffer shares what it has read from the second line on.
        buffer.push(b"NOOP\r\n");
        buffer.push(line);
        let first = buffer.line(512).unwrap().unwrap();
        let line = buffer.line(512).unwrap().unwrap();
        let seen = measure(|| drop(Command::parse(&line).unwrap()));
        assert_eq!(seen.allocations, 0, "{line:?}");
        drop(first);
    }
}

#[test]
fn a_reply_of_one_line_is_written_and_read_without_the_heap() {
    let reply = Reply::new(250, EnhancedStatus::new(2, 1, 5).ok(), "OK").unwrap();
    let mut out = BytesMut::with_capacity(512);
    let seen = measure(|| reply.encode(&mut out));
    assert_eq!(seen.allocations, 0);

    let mut buffer = ReceiveBuffer::new();
    buffer.push(b"220 x\r\n");
    buffer.push(&out);
    let (_first, line) = (buffer.line(512).unwrap(), buffer.line(512).unwrap().unwrap());
    let mut reader = ReplyReader::new();
    let seen = measure(|| assert_eq!(reader.line(&line).unwrap().as_ref(), Some(&reply)));
    assert_eq!(seen.allocations, 0);
}
