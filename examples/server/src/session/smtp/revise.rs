//! What submission checks and mends in a header (RFC 6409 6.3, 8): who is named as its author, and the fields that
//! every message has.
//!
//! Every address in From, Sender, Resent-From and Resent-Sender has to be one that the user may send as, by the
//! reading of two parsers: a field that one of them reads otherwise is a field that some mail program reads otherwise.
//! A resent message keeps the From of somebody else (RFC 5322 3.6.6) and is refused for it: what a reader is shown
//! as its author is From. Date, Message-ID and From are added where they are missing; Bcc, Return-Path and
//! Delivered-To are taken out. All other fields stay as they are, octet for octet: they may be signed.

use posthaste_imap::message::{Address as Written, Field, Fields};
use posthaste_smtp::Rejection;

use super::answer::refused;
use crate::directory::Address;

/// The header of a message while it comes in, up to its end.
#[derive(Debug, Default)]
pub(super) struct Head(Vec<u8>);

/// What stands in place of what is missing.
#[derive(Debug)]
pub(super) struct Missing {
    /// The author.
    pub(super) from: String,
    /// The present, as a header has it.
    pub(super) date: String,
    /// A new Message-ID, without its brackets.
    pub(super) message_id: String,
}

impl Head {
    /// Takes in the next octets; gives those that lie behind the header when its end has come.
    ///
    /// # Errors
    ///
    /// The header is longer than any should be.
    pub(super) fn read(&mut self, octets: &[u8]) -> Result<Option<Vec<u8>>, Rejection> {
        // The end may lie across the seam.
        let seam = self.0.len().saturating_sub(3);
        self.0.extend_from_slice(octets);
        let end = if self.0.starts_with(b"\r\n") {
            Some(0)
        } else {
            let found =
                self.0.get(seam..).and_then(|new| new.windows(4).position(|four| four == b"\r\n\r\n"));
            found.map(|at| seam.saturating_add(at).saturating_add(2))
        };
        match end {
            Some(end) => Ok(Some(self.0.split_off(end))),
            None if self.0.len() > HEAD_MAX => Err(syntax("The header of the message is too long")),
            None => Ok(None),
        }
    }

    /// The header as it is to be stored.
    ///
    /// # Errors
    ///
    /// It names authors that `may_send_as` says no to, or is not a header.
    pub(super) fn revised(
        &self,
        missing: &Missing,
        may_send_as: impl Fn(&Address) -> bool,
    ) -> Result<Vec<u8>, Rejection> {
        let fields: Vec<Field<'_>> = Fields::of(&self.0).collect();
        let count = |name: &str| fields.iter().filter(|field| field.is(name.as_bytes())).count();
        if fields.iter().any(|field| field.name.is_empty()) {
            return Err(syntax("There is a line in the header that is no field"));
        }
        if count("From") > 1 || count("Sender") > 1 {
            return Err(not_allowed("The message names its author more than once"));
        }
        for field in fields.iter().filter(|field| AUTHORS.iter().any(|name| field.is(name.as_bytes()))) {
            let authors = addresses(field);
            if authors.is_empty() || !authors.iter().all(|author| author.as_ref().is_some_and(&may_send_as)) {
                return Err(not_allowed("The message names an author that is not you"));
            }
        }
        let mut head = Vec::with_capacity(self.0.len().saturating_add(256));
        let Missing { from, date, message_id } = missing;
        let values =
            [("From", from.clone()), ("Date", date.clone()), ("Message-ID", format!("<{message_id}>"))];
        for (name, value) in values.iter().filter(|(name, _)| count(name) == 0) {
            head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        for field in fields.iter().filter(|field| !TAKEN_OUT.iter().any(|name| field.is(name.as_bytes()))) {
            head.extend_from_slice(field.raw);
        }
        Ok(head)
    }
}

/// The addresses in a field, as both parsers have them; `None` for what is no address of anybody here.
fn addresses(field: &Field<'_>) -> Vec<Option<Address>> {
    let value = field.unfolded();
    let ours = Written::parse_list(&value, AUTHORS_MAX).into_iter().filter_map(|address| match address {
        Written::Mailbox { mailbox, host, .. } => {
            Some(parse(&String::from_utf8_lossy(&[&mailbox, &b"@"[..], &host].concat())))
        }
        Written::GroupStart(_) | Written::GroupEnd => None,
    });
    let mut all: Vec<Option<Address>> = ours.collect();
    let header = [b"From: ", value.as_slice(), b"\r\n\r\n"].concat();
    let theirs = mail_parser::MessageParser::default().parse_headers(&header);
    let theirs = theirs.as_ref().and_then(|message| message.from());
    all.extend(
        theirs.into_iter().flat_map(|list| list.iter()).map(|one| parse(one.address().unwrap_or_default())),
    );
    all
}

fn parse(text: &str) -> Option<Address> {
    Address::parse(text).ok()
}

/// RFC 6409 6.3: 554 for what is wrong whoever sends it.
fn syntax(text: &str) -> Rejection {
    refused(554, (5, 6, 0), text)
}

/// RFC 6409 6.3: 550 for what this user may not send.
fn not_allowed(text: &str) -> Rejection {
    refused(550, (5, 7, 1), text)
}

/// Fields that say who a message is from.
const AUTHORS: [&str; 4] = ["From", "Sender", "Resent-From", "Resent-Sender"];

/// Fields that say to whom a message went unseen, or that only a delivery may write.
const TAKEN_OUT: [&str; 4] = ["Bcc", "Resent-Bcc", "Return-Path", "Delivered-To"];

/// Octets of a header that a user submits.
const HEAD_MAX: usize = 1 << 20;

/// Addresses of a field that are looked at. What a user may send as is fewer.
const AUTHORS_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn revised(head: &str) -> Result<String, u16> {
        let missing =
            Missing { from: "me@x.test".to_owned(), date: "D".to_owned(), message_id: "i@x".to_owned() };
        let mut read = Head::default();
        let _ = read.read(head.as_bytes()).unwrap();
        let revised = read.revised(&missing, |address| address.to_string() == "me@x.test");
        revised.map(|head| String::from_utf8(head).unwrap()).map_err(|refused| refused.reply().code())
    }

    #[test]
    fn the_header_ends_where_it_ends_however_it_is_cut() {
        for (message, wanted) in [
            ("From: a\r\nTo: b\r\n\r\nbody\r\n\r\nmore", "\r\nbody\r\n\r\nmore"),
            ("\r\nbody", "\r\nbody"),
            ("A: b\r\n\r\n", "\r\n"),
        ] {
            for cut in 0..=message.len() {
                let mut head = Head::default();
                let mut behind = Vec::new();
                let mut over = false;
                for part in [&message.as_bytes()[..cut], &message.as_bytes()[cut..]] {
                    if over {
                        behind.extend_from_slice(part);
                    } else if let Some(rest) = head.read(part).unwrap() {
                        over = true;
                        behind = rest;
                    }
                }
                assert_eq!(String::from_utf8(behind).unwrap(), wanted, "{cut}");
            }
        }
    }

    #[test]
    fn rfc6409_8_what_is_missing_is_added_and_the_rest_stays() {
        let whole = "Message-ID: <a@b>\r\nfrom:  Me  <Me@X.test>\r\nDate: now\r\nSubject:  x \r\n\ty\r\n";
        assert_eq!(revised(whole).unwrap(), whole);
        assert_eq!(
            revised("Subject: x\r\n").unwrap(),
            "From: me@x.test\r\nDate: D\r\nMessage-ID: <i@x>\r\nSubject: x\r\n"
        );
    }

    #[test]
    fn p2_bcc_and_what_only_a_delivery_writes_is_taken_out() {
        let head = "Bcc: a@x.test,\r\n b@x.test\r\nTo: c\r\nReturn-Path: <z@z>\r\nRESENT-BCC: d\r\nDelivered-To: q\r\n";
        let revised = revised(head).unwrap();
        assert!(revised.ends_with("Message-ID: <i@x>\r\nTo: c\r\n"), "{revised}");
    }

    #[test]
    fn rly_10_every_author_is_the_user() {
        for bad in [
            "From: you@x.test\r\n",
            "From: me@x.test, you@x.test\r\n",
            "From: me@x.test\r\nFrom: me@x.test\r\n",
            "From: me@x.test\r\nFrom: you@x.test\r\n",
            "From : you@x.test\r\n",
            "FROM:\r\n you@x.test\r\n",
            "From: \"me@x.test\" <you@x.test>\r\n",
            "From: <you@x.test> <me@x.test>\r\n",
            "From: me@x.test <you@x.test>\r\n",
            "From: =?utf-8?q?me=40x.test?= <you@x.test>\r\n",
            "From: =?utf-8?q?me=40x.test?=\r\n",
            "From: us: me@x.test, you@x.test;\r\n",
            "From: Undisclosed:;\r\n",
            "From:\r\n",
            "From: me\r\n",
            "From: me@x.test (you@x.test) you@x.test\r\n",
            "From: me@x.test\r\nSender: you@x.test\r\n",
            "From: me@x.test\r\nResent-From: you@x.test\r\n",
            "From: you@x.test\r\nResent-From: me@x.test\r\n",
            "Resent-Sender: you@x.test\r\nFrom: me@x.test\r\n",
        ] {
            assert_eq!(revised(bad), Err(550), "{bad}");
        }
        for fine in
            ["From: me@x.test\r\n", "From: \"You, Sir\" <ME@x.test>\r\n", "From: (you@x.test) me@x.test\r\n"]
        {
            assert!(revised(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bad in
            ["just text\r\n", "From: me@x.test\r\njunk\r\nFrom: you@x.test\r\n", " From: me@x.test\r\n"]
        {
            assert_eq!(revised(bad), Err(554), "{bad}");
        }
        let mut head = Head::default();
        assert!(head.read(&b"A: b\r\n".repeat(200_000)).is_err());
    }
}
