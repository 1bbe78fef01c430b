//! Properties of the codec of `posthaste-smtp`: nothing panics, what is read and written reads back as the same, and
//! putting up with more never changes what was understood before.

use bytes::{Bytes, BytesMut};
use posthaste_smtp::{Capability, Command, Domain, Mailbox, Quirk, Quirks, Reply, ReplyReader};

/// A command line.
pub fn smtp_command(input: &[u8]) {
    let line = Bytes::copy_from_slice(input);
    let all = Quirks::STRICT.with(Quirk::SpaceBehindColon).with(Quirk::MissingBrackets);
    let strict = Command::parse(&line);
    let lenient = Command::parse_with(&line, all);
    if let Ok(command) = &strict {
        assert_eq!(lenient.as_ref(), Ok(&(command.clone(), Quirks::STRICT)), "a quirk changed what is legal");
    }
    let Ok((command, used)) = lenient else { return };
    assert_eq!(used.is_strict(), strict.is_ok(), "a quirk was used and not told");
    let mut out = BytesMut::new();
    command.encode(&mut out);
    let written = out.strip_suffix(b"\r\n").unwrap();
    assert!(!written.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)), "a line holds a line end");
    assert_eq!(Command::parse(&Bytes::copy_from_slice(written)), Ok(command), "a command did not come back");
}

/// A reply, line by line; each line of it as a capability, too.
pub fn smtp_reply(input: &[u8]) {
    let Some(reply) = read(input) else { return };
    let mut out = BytesMut::new();
    reply.encode(&mut out);
    assert_eq!(read(&out).as_ref(), Some(&reply), "a reply did not come back");
    assert_eq!(reply.compact(), reply);
    for line in reply.lines() {
        let capability = Capability::from(line);
        assert_eq!(
            Capability::from(capability.to_string().as_str()),
            capability,
            "a capability did not come back"
        );
    }
}

/// The first reply of what a server sends.
fn read(input: &[u8]) -> Option<Reply> {
    let mut reader = ReplyReader::new();
    for line in input.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(reply) = reader.line(&Bytes::copy_from_slice(line)).ok()? {
            assert!(!reader.is_midway());
            return Some(reply);
        }
    }
    None
}

/// A mailbox and a domain.
pub fn smtp_address(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(mailbox) = text.parse::<Mailbox>() {
        let written = mailbox.to_string();
        assert!(written.len() <= Mailbox::PATH_OCTETS_MAX - 2, "a mailbox is too long");
        assert!(!written.contains(char::is_control), "a mailbox holds a control");
        assert_eq!(written.parse::<Mailbox>().as_ref(), Ok(&mailbox), "a mailbox did not come back");
        assert_eq!(mailbox.compact(), mailbox);
    }
    if let Ok(domain) = text.parse::<Domain>() {
        assert_eq!(domain.as_str(), text);
        assert_eq!(domain.is_literal(), domain.literal().is_some(), "a literal says nothing");
    }
}
