//! What SORT and THREAD compare of a message (RFC 5256 2 and 3, RFC 5957 3), computed once and kept in a few hundred
//! octets: a mailbox of 100,000 messages is sorted without reading one of them.
//!
//! Texts are in the form in which they are compared ([`casemap`]), not in which they are shown. The internal date and
//! the size, which the RFC also sorts by, belong to the store.

use alloc::{borrow::Cow, string::String, vec::Vec};

use bytes::Bytes;
use memchr::memchr2;

use super::{
    Address, Envelope, Fields, Limits, base_subject,
    field::unfold,
    lexer::{comment, quoted},
    squeeze,
    stored::{Reader, Writer},
};
use crate::{casemap::casemap, charset::decode_words};

/// What SORT and THREAD compare of a message. One that is read from octets borrows its texts from them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overview<'a> {
    /// When it was sent, in seconds since 1970 in UTC (RFC 5256 2.2); `None` where the internal date counts instead.
    pub sent: Option<i64>,
    /// The base subject.
    pub subject: Cow<'a, str>,
    /// Whether finding the base subject took off the mark of a reply or a forward.
    pub is_reply: bool,
    /// The `Message-ID`, see [`message_ids`].
    pub message_id: Option<Cow<'a, [u8]>>,
    /// The messages this one answers, the first of all first; the last one is its parent.
    pub references: Vec<Cow<'a, [u8]>>,
    /// The mailbox of the first author, without the host.
    pub from: Cow<'a, str>,
    /// The mailbox of the first recipient.
    pub to: Cow<'a, str>,
    /// The mailbox of the first `Cc`.
    pub cc: Cow<'a, str>,
    /// The name of the first author, or else the address (RFC 5957).
    pub display_from: Cow<'a, str>,
    /// The name of the first recipient, or else the address.
    pub display_to: Cow<'a, str>,
}

impl<'a> Overview<'a> {
    /// Reads the fields of a header, whose envelope is known. What is compared is computed: nothing is borrowed.
    pub fn read(header: &[u8], envelope: &Envelope, limits: &Limits) -> Self {
        let subject = squeeze(&decode_words(envelope.subject.as_deref().unwrap_or_default()));
        let base = base_subject(&subject);
        Self {
            sent: envelope.sent().map(|sent| sent.unix_seconds),
            subject: casemap(base.text).into(),
            is_reply: base.is_reply,
            message_id: envelope
                .message_id
                .as_deref()
                .and_then(|value| message_ids(value).next())
                .map(Cow::Owned),
            references: references(header, envelope, limits).into_iter().map(Cow::Owned).collect(),
            from: mailbox(&envelope.from).into(),
            to: mailbox(&envelope.to).into(),
            cc: mailbox(&envelope.cc).into(),
            display_from: display(&envelope.from).into(),
            display_to: display(&envelope.to).into(),
        }
    }

    /// The overview with texts of its own.
    pub fn into_owned(self) -> Overview<'static> {
        let text = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let id = |id: Cow<'_, [u8]>| Cow::Owned(id.into_owned());
        Overview {
            sent: self.sent,
            subject: text(self.subject),
            is_reply: self.is_reply,
            message_id: self.message_id.map(id),
            references: self.references.into_iter().map(id).collect(),
            from: text(self.from),
            to: text(self.to),
            cc: text(self.cc),
            display_from: text(self.display_from),
            display_to: text(self.display_to),
        }
    }

    /// The overview as octets, for [`Overview::from_bytes`]; they begin with the version of the format.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer { octets: Vec::new() };
        out.octets.push(VERSION);
        out.overview(self);
        out.octets
    }

    /// The overview as it stands in a stored summary.
    pub(super) fn to_record(&self) -> Bytes {
        let mut out = Writer { octets: Vec::new() };
        out.overview(self);
        out.octets.into()
    }

    /// What [`Overview::to_record`] wrote, or [`Reader::skip_overview`] found sound.
    pub(super) fn of_record(octets: &'a [u8]) -> Self {
        Reader { rest: octets }.overview().unwrap_or_default()
    }

    /// What [`Overview::to_bytes`] wrote. `None` for another version and for octets that it did not write.
    pub fn from_bytes(octets: &'a [u8]) -> Option<Self> {
        let mut reader = Reader { rest: octets };
        let overview = (reader.octet()? == VERSION).then(|| reader.overview())??;
        reader.rest.is_empty().then_some(overview)
    }
}

/// The message ids in the value of `Message-ID`, `References` or `In-Reply-To`, in normal form (RFC 5256 3): without
/// the angle brackets, quotes and white space. What is no `<left@right>` is passed over.
///
/// ```
/// use posthaste_imap::message::message_ids;
///
/// let ids: Vec<_> = message_ids(br#"<"01KF"@x.example> lost words <01KG@x.example>"#).collect();
/// assert_eq!(ids, [b"01KF@x.example", b"01KG@x.example"]);
/// ```
pub fn message_ids(value: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let mut rest = value;
    core::iter::from_fn(move || {
        loop {
            let (first, tail) = rest.split_first()?;
            rest = tail;
            match first {
                b'<' => {
                    let (id, tail) = message_id(tail);
                    rest = tail;
                    if id.is_some() {
                        return id;
                    }
                }
                b'(' => (_, rest) = comment(tail),
                _ => {}
            }
        }
    })
}

/// Reads up to the `>`, or to the `<` of another one.
fn message_id(octets: &[u8]) -> (Option<Vec<u8>>, &[u8]) {
    let mut id = Vec::with_capacity(memchr2(b'>', b'<', octets).unwrap_or_default().min(ID_MAX));
    let mut at = None;
    let mut rest = octets;
    while let Some((first, tail)) = rest.split_first() {
        match first {
            b'<' => return (None, rest),
            b'>' => {
                let last = id.len().saturating_sub(1);
                let valid = at.is_some_and(|at| at > 0 && at < last) && id.len() <= ID_MAX;
                return (valid.then_some(id), tail);
            }
            b'"' => {
                let (text, tail) = quoted(tail);
                id.extend_from_slice(&text);
                rest = tail;
                continue;
            }
            b'(' => {
                rest = comment(tail).1;
                continue;
            }
            b'@' => {
                at = Some(id.len());
                id.push(*first);
            }
            octet if octet.is_ascii_whitespace() || matches!(octet, b'\0') => {}
            octet => id.push(*octet),
        }
        rest = tail;
    }
    (None, &[])
}

/// The first `References` field with an id in it, or else the first id of `In-Reply-To` (RFC 5256 3).
fn references(header: &[u8], envelope: &Envelope, limits: &Limits) -> Vec<Vec<u8>> {
    let field = Fields::of(header).find(|field| field.is(b"References"));
    let mut ids: Vec<Vec<u8>> = Vec::new();
    if let Some(field) = field {
        let value = field.value.get(..limits.field_max).unwrap_or(field.value);
        ids.extend(message_ids(&unfold(value)));
    }
    // The parent is the last one: of too many the first are left out.
    ids.drain(..ids.len().saturating_sub(limits.references_max));
    if ids.is_empty() {
        ids.extend(message_ids(envelope.in_reply_to.as_deref().unwrap_or_default()).next());
    }
    ids
}

/// `addr-mailbox` of the first address; of a group, its name.
fn mailbox(list: &[Address]) -> String {
    match list.first() {
        Some(Address::Mailbox { mailbox, .. }) => casemap(&decode_words(mailbox)),
        Some(Address::GroupStart(name)) => casemap(&decode_words(name)),
        Some(Address::GroupEnd) | None => String::new(),
    }
}

/// RFC 5957 3.
fn display(list: &[Address]) -> String {
    let Some(Address::Mailbox { name, mailbox: local, host, .. }) = list.first() else {
        return mailbox(list);
    };
    let shown = name.as_deref().map(decode_words).unwrap_or_default();
    if !shown.is_empty() {
        return casemap(&shown);
    }
    let mut address = decode_words(local);
    if !host.is_empty() {
        address.push('@');
        address.push_str(&decode_words(host));
    }
    casemap(&address)
}

impl Writer {
    pub(super) fn overview(&mut self, overview: &Overview<'_>) {
        let Overview {
            sent,
            subject,
            is_reply,
            message_id,
            references,
            from,
            to,
            cc,
            display_from,
            display_to,
        } = overview;
        match sent {
            None => self.octets.push(0),
            Some(sent) => {
                self.octets.push(1);
                self.octets.extend_from_slice(&sent.to_le_bytes());
            }
        }
        self.octets.push(u8::from(*is_reply));
        for text in [subject, from, to, cc, display_from, display_to] {
            self.string(text.as_bytes());
        }
        self.optional(message_id.as_deref());
        self.size(references.len());
        for id in references {
            self.string(id);
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn overview(&mut self) -> Option<Overview<'a>> {
        let (sent, is_reply) = (self.sent()?, self.is_reply()?);
        let mut text = || self.text().map(Cow::Borrowed);
        Some(Overview {
            sent,
            is_reply,
            subject: text()?,
            from: text()?,
            to: text()?,
            cc: text()?,
            display_from: text()?,
            display_to: text()?,
            message_id: self.optional()?.map(Cow::Borrowed),
            references: self.references()?,
        })
    }

    fn references(&mut self) -> Option<Vec<Cow<'a, [u8]>>> {
        let count = self.size()?;
        // Every one takes an octet at least: a count that lies costs nothing.
        (0..count).map(|_| self.line().map(Cow::Borrowed)).collect()
    }

    /// Goes behind an overview. `None` where none would be read.
    pub(super) fn skip_overview(&mut self) -> Option<()> {
        self.sent()?;
        self.is_reply()?;
        for _ in 0..TEXTS {
            self.text()?;
        }
        self.optional()?;
        for _ in 0..self.size()? {
            self.line()?;
        }
        Some(())
    }

    /// Goes behind what is as long as an overview says, whatever is in its strings.
    pub(super) fn pass_overview(&mut self) -> Option<()> {
        self.sent()?;
        self.is_reply()?;
        for _ in 0..TEXTS {
            self.skip_string()?;
        }
        self.skip_optional()?;
        self.skip_list(Self::skip_string)
    }

    fn sent(&mut self) -> Option<Option<i64>> {
        Some(match self.octet()? {
            0 => None,
            1 => {
                let (octets, rest) = self.rest.split_first_chunk()?;
                self.rest = rest;
                Some(i64::from_le_bytes(*octets))
            }
            _ => return None,
        })
    }

    fn is_reply(&mut self) -> Option<bool> {
        match self.octet()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

/// Counts up with every change of the format.
const VERSION: u8 = 1;
/// The texts of an overview: subject, from, to, cc, and the two that are shown.
const TEXTS: usize = 6;
/// A line has 998 octets.
const ID_MAX: usize = 998;

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(value: &str) -> Vec<String> {
        message_ids(value.as_bytes()).map(|id| String::from_utf8(id).unwrap()).collect()
    }

    fn read(header: &str) -> Overview<'static> {
        let limits = Limits::default();
        Overview::read(header.as_bytes(), &Envelope::read(header.as_bytes(), &limits), &limits)
    }

    #[test]
    fn ids_have_one_normal_form() {
        assert_eq!(ids("<a@b>"), ["a@b"]);
        assert_eq!(ids(r#"<"a"@b> <"a\"c"@b>"#), ["a@b", "a\"c@b"]);
        assert_eq!(ids("<a@b><c@d>, <e @\t[f]>"), ["a@b", "c@d", "e@[f]"]);
        assert_eq!(ids("(<x@y>) <a@b>"), ["a@b"]);
        // Not valid.
        for value in ["", "a@b", "<a>", "<@b>", "<a@>", "<>", "<a@b", "<a@b <"] {
            assert!(ids(value).is_empty(), "{value:?}");
        }
        assert_eq!(ids("<a <b@c>"), ["b@c"]);
    }

    #[test]
    fn references_are_taken_from_in_reply_to_where_there_are_none() {
        assert_eq!(read("References: <a@b> <c@d>\r\nIn-Reply-To: <e@f>\r\n\r\n").references.len(), 2);
        let fallback = read("References: nothing\r\nIn-Reply-To: yours of <e@f> and <g@h>\r\n\r\n");
        assert_eq!(fallback.references, [&b"e@f"[..]]);
        assert!(read("In-Reply-To: you\r\n\r\n").references.is_empty());
    }

    #[test]
    fn mime_04_of_too_many_references_the_last_are_kept() {
        let limits = Limits { references_max: 2, ..Limits::default() };
        let header = b"References: <1@x> <2@x>\r\n <3@x>\r\n\r\n";
        assert_eq!(references(header, &Envelope::default(), &limits), [b"2@x", b"3@x"]);
    }

    #[test]
    fn display_names_are_decoded_and_fall_back_to_the_address() {
        let named =
            read("From: =?utf-8?q?J=C3=BCrgen?= <j@x.example>\r\nTo: b@y.example\r\nCc: \"Z\" <c>\r\n\r\n");
        assert_eq!(named.display_from, casemap("jürgen"));
        assert_eq!((&*named.from, &*named.to, &*named.cc), ("J", "B", "C"));
        assert_eq!(named.display_to, "B@Y.EXAMPLE");
        assert_eq!(read("From: \"\" <j@x>\r\n\r\n").display_from, "J@X");
        assert_eq!(read("\r\n").display_from, "");
    }

    #[test]
    fn what_is_stored_is_what_is_read() {
        let overview =
            read("Date: 1 Jan 1970 00:00:01 +0000\r\nSubject: Re: [x] é\r\nMessage-ID: <a@b>\r\n\r\n");
        assert_eq!(overview.sent, Some(1));
        let octets = overview.to_bytes();
        assert_eq!(Overview::from_bytes(&octets), Some(overview));
        for end in 0..octets.len() {
            assert_eq!(Overview::from_bytes(&octets[..end]), None);
        }
        assert_eq!(Overview::from_bytes(&[&octets[..], b"x"].concat()), None);
    }
}
