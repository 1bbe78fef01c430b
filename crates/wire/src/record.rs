//! What passed a machine, in words that may be shown to people: for logs of a conversation.
//!
//! The buffers of a machine know what they are asked for: a line, a line that is a secret, octets of a body. So the
//! record is made where a machine takes octets in and puts them out, and never guesses where a command ends. Secrets
//! are counted and never copied here. What is worth showing is the driver's decision; so is a log's form.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use bytes::Bytes;

/// The direction in which octets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the peer to the machine.
    In,
    /// From the machine to the peer.
    Out,
}

/// A stretch of one direction of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Text in the open: a line with its CR LF, several, or a part of one.
    Text(Bytes),
    /// A line, or a part of one, that holds credentials.
    Secret {
        /// The command it begins with, where that is known to be one: never a part of the secret.
        verb: Option<&'static str>,
        /// How many octets there are in all.
        octets: usize,
    },
    /// So many octets of a message or another payload.
    Body(usize),
}

/// The passages that nobody has asked for yet. Does nothing until it is started.
#[derive(Debug, Default)]
#[expect(clippy::box_collection, reason = "next to no buffer keeps a record, and each has room for one")]
pub(crate) struct Record(Option<Box<VecDeque<Passage>>>);

impl Record {
    pub(crate) fn start(&mut self) {
        self.0.get_or_insert_default();
    }

    pub(crate) fn take(&mut self) -> Option<Passage> {
        self.0.as_mut()?.pop_front()
    }

    pub(crate) fn text(&mut self, text: &[u8]) {
        if let Some(passages) = &mut self.0 {
            passages.push_back(Passage::Text(Bytes::copy_from_slice(text)));
        }
    }

    /// A line that was taken without its CR LF.
    pub(crate) fn line(&mut self, line: &[u8]) {
        if let Some(passages) = &mut self.0 {
            passages.push_back(Passage::Text([line, b"\r\n"].concat().into()));
        }
    }

    /// `verb` is asked for only where a record is kept.
    pub(crate) fn secret(&mut self, verb: impl FnOnce() -> Option<&'static str>, octets: usize) {
        if let Some(passages) = &mut self.0 {
            passages.push_back(Passage::Secret { verb: verb(), octets });
        }
    }

    pub(crate) fn body(&mut self, octets: usize) {
        if octets == 0 {
            return;
        }
        if let Some(passages) = &mut self.0 {
            match passages.back_mut() {
                Some(Passage::Body(before)) => *before = before.saturating_add(octets),
                _ => passages.push_back(Passage::Body(octets)),
            }
        }
    }
}

/// The command that a line begins with, behind a tag or not, out of those of the three protocols.
///
/// A word that stands alone counts only where `alone` says that the line is a command: as a response of SASL it could
/// be anything.
pub fn verb_of(line: &[u8], alone: bool) -> Option<&'static str> {
    let text = line.strip_suffix(b"\r\n").unwrap_or(line);
    let mut words = text.split(|octet| *octet == b' ');
    let (first, second) = (words.next()?, words.next());
    let known = |word: &[u8]| VERBS.into_iter().find(|verb| verb.as_bytes().eq_ignore_ascii_case(word));
    match (known(first), second) {
        (Some(verb), Some(_)) => Some(verb),
        (Some(verb), None) => Some(verb).filter(|_| alone),
        (None, Some(second)) => known(second).filter(|_| alone || words.next().is_some()),
        (None, None) => None,
    }
}

/// Whether what follows this command can be a credential.
pub fn is_credential_verb(verb: &str) -> bool {
    matches!(verb, "APOP" | "AUTH" | "AUTHENTICATE" | "LOGIN" | "PASS")
}

const VERBS: [&str; 82] = [
    "ACL",
    "APOP",
    "APPEND",
    "AUTH",
    "AUTHENTICATE",
    "BDAT",
    "CAPA",
    "CAPABILITY",
    "CHECK",
    "CLOSE",
    "COMPRESS",
    "COPY",
    "CREATE",
    "DATA",
    "DELE",
    "DELETE",
    "DELETEACL",
    "DONE",
    "EHLO",
    "ENABLE",
    "ESEARCH",
    "ETRN",
    "EXAMINE",
    "EXPN",
    "EXPUNGE",
    "FETCH",
    "GENURLAUTH",
    "GETACL",
    "GETMETADATA",
    "GETQUOTA",
    "GETQUOTAROOT",
    "HELO",
    "HELP",
    "ID",
    "IDLE",
    "LANG",
    "LANGUAGE",
    "LHLO",
    "LIST",
    "LISTRIGHTS",
    "LOGIN",
    "LOGOUT",
    "LSUB",
    "MAIL",
    "MOVE",
    "MYRIGHTS",
    "NAMESPACE",
    "NOOP",
    "NOTIFY",
    "PASS",
    "QUIT",
    "RCPT",
    "RENAME",
    "REPLACE",
    "RESETKEY",
    "RETR",
    "RSET",
    "SEARCH",
    "SELECT",
    "SETACL",
    "SETMETADATA",
    "SETQUOTA",
    "SORT",
    "STARTTLS",
    "STAT",
    "STATUS",
    "STLS",
    "STORE",
    "SUBSCRIBE",
    "THREAD",
    "TOP",
    "UID",
    "UIDL",
    "UNAUTHENTICATE",
    "UNSELECT",
    "UNSUBSCRIBE",
    "URLFETCH",
    "USER",
    "UTF8",
    "VRFY",
    "XCLIENT",
    "XFORWARD",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_is_found_behind_a_tag_and_never_in_a_response() {
        assert_eq!(verb_of(b"pass x\r\n", false), Some("PASS"));
        assert_eq!(verb_of(b"a1 login joe x", true), Some("LOGIN"));
        assert_eq!(verb_of(b"a1 noop", true), Some("NOOP"));
        assert_eq!(verb_of(b"CAPA", true), Some("CAPA"));
        assert_eq!(verb_of(b"CAPA\r\n", false), None);
        assert_eq!(verb_of(b"+ NOOP\r\n", false), None);
        assert_eq!(verb_of(b"hunter2", true), None);
        assert_eq!(verb_of(b"hunter2 swordfish", true), None);
        assert_eq!(verb_of(b"", true), None);
    }

    #[test]
    fn nothing_is_kept_before_it_is_started_and_bodies_are_counted() {
        let mut record = Record::default();
        record.line(b"NOOP");
        assert_eq!(record.take(), None);
        record.start();
        record.line(b"NOOP");
        record.body(0);
        record.body(3);
        record.body(4);
        record.secret(|| Some("PASS"), 9);
        assert_eq!(record.take(), Some(Passage::Text(Bytes::from_static(b"NOOP\r\n"))));
        assert_eq!(record.take(), Some(Passage::Body(7)));
        assert_eq!(record.take(), Some(Passage::Secret { verb: Some("PASS"), octets: 9 }));
        assert_eq!(record.take(), None);
    }
}
