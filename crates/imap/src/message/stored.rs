//! A summary as octets, to be kept beside the message.
//!
//! ```text
//! summary  = version octets count *part overview preview     numbers: LEB128, at most ten octets
//! part     = kind parent header-start header-end body-end lines decoded
//!            type subtype parameters encoding id description md5 disposition languages location envelope
//! list     = count *item      string = length *octet      optional = 0 / 1 value
//! ```
//!
//! Reading goes by way of a [`Record`] and checks everything a [`Summary`] promises, so that octets damaged in the store
//! give `None` and never a wrong tree; it takes no more memory than a small multiple of the octets given. It copies none
//! of them: a string that is read is a slice of the record.

use alloc::{boxed::Box, vec::Vec};

use bytes::Bytes;
use memchr::memchr3;

use super::{
    address::Address,
    content::{Disposition, Parameter},
    envelope::Envelope,
    record::{Item, List, Record, RecordAddress, RecordEnvelope, RecordParameter, RecordPart},
    summary::{Kind, Part, Summary},
    token::Token,
};

impl Summary {
    /// The summary as octets, for [`Summary::from_bytes`]. They begin with the version of the format.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Writer { octets: Vec::with_capacity(OCTETS_AT_ONCE) };
        out.octets.push(VERSION);
        out.size(self.octets);
        out.size(self.others.len());
        for part in self.parts() {
            out.part(part);
        }
        out.octets.extend_from_slice(&self.overview);
        out.string(&self.preview);
        // What is kept is kept without room to grow.
        out.octets.into_boxed_slice().into()
    }

    /// The summary that [`Summary::to_bytes`] wrote. `None` for another version (scan again) and for octets that
    /// no summary gives.
    ///
    /// Nothing is copied: the strings of the summary are slices of `octets`, and keep alive what `octets` keeps. Hand
    /// over a buffer that holds this summary and nothing else.
    pub fn from_bytes(octets: &Bytes) -> Option<Self> {
        let Record { octets: size, root, others, overview, preview } = Record::from_bytes(octets)?;
        Reader { rest: overview }.skip_overview()?;
        let owner = Owner { record: octets };
        let preview = core::str::from_utf8(preview).ok()?;
        Some(Self {
            octets: size,
            root: owner.part(&root)?,
            others: others.iter().map(|part| owner.part(part)).collect::<Option<_>>()?,
            overview: octets.slice_ref(overview),
            preview: owner.string(preview.as_bytes())?,
        })
    }
}

pub(super) struct Writer {
    pub(super) octets: Vec<u8>,
}

impl Writer {
    fn part(&mut self, part: &Part) {
        // Every member has to be decided here: a new one is a new version of the format.
        let Part {
            kind,
            parent,
            first_child: _,
            next_sibling: _,
            header,
            body,
            lines,
            decoded,
            media_type,
            subtype,
            parameters,
            encoding,
            id,
            description,
            md5,
            disposition,
            languages,
            location,
            envelope,
        } = part;
        self.octets.push(match kind {
            Kind::Leaf => 0,
            Kind::Multipart => 1,
            Kind::Message => 2,
        });
        // The root has no parent: 0.
        self.size(parent.map_or(0, |parent| parent.saturating_add(1)));
        self.size(header.start);
        self.size(header.end);
        self.size(body.end);
        self.number(*lines);
        // One more, so that 0 is left for what is not known.
        self.number(decoded.map_or(0, |decoded| decoded.saturating_add(1)));
        self.string(media_type.as_bytes());
        self.string(subtype.as_bytes());
        self.parameters(parameters);
        self.string(encoding.as_bytes());
        self.optional(id.as_deref());
        self.optional(description.as_deref());
        self.optional(md5.as_deref());
        match disposition {
            None => self.octets.push(0),
            Some(Disposition { kind, parameters }) => {
                self.octets.push(1);
                self.string(kind.as_bytes());
                self.parameters(parameters);
            }
        }
        self.size(languages.len());
        for language in languages {
            self.string(language);
        }
        self.optional(location.as_deref());
        match envelope {
            None => self.octets.push(0),
            Some(envelope) => {
                self.octets.push(1);
                self.envelope(envelope);
            }
        }
    }

    fn envelope(&mut self, envelope: &Envelope) {
        let Envelope { date, subject, from, own_sender, own_reply_to, to, cc, bcc, in_reply_to, message_id } =
            envelope;
        self.optional(date.as_deref());
        self.optional(subject.as_deref());
        for list in [from, own_sender, own_reply_to, to, cc, bcc] {
            self.size(list.len());
            for address in list {
                self.address(address);
            }
        }
        self.optional(in_reply_to.as_deref());
        self.optional(message_id.as_deref());
    }

    fn address(&mut self, address: &Address) {
        match address {
            Address::Mailbox { name, route, mailbox, host } => {
                self.octets.push(0);
                self.optional(name.as_deref());
                self.optional(route.as_deref());
                self.string(mailbox);
                self.string(host);
            }
            Address::GroupStart(name) => {
                self.octets.push(1);
                self.string(name);
            }
            Address::GroupEnd => self.octets.push(2),
        }
    }

    fn parameters(&mut self, parameters: &[Parameter]) {
        self.size(parameters.len());
        for Parameter { name, value } in parameters {
            self.string(name.as_bytes());
            self.string(value);
        }
    }

    pub(super) fn optional(&mut self, string: Option<&[u8]>) {
        match string {
            None => self.octets.push(0),
            Some(string) => {
                self.octets.push(1);
                self.string(string);
            }
        }
    }

    pub(super) fn string(&mut self, string: &[u8]) {
        self.size(string.len());
        self.octets.extend_from_slice(string);
    }

    pub(super) fn size(&mut self, size: usize) {
        self.number(u64::try_from(size).unwrap_or(u64::MAX));
    }

    fn number(&mut self, number: u64) {
        let mut rest = number;
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                self.octets.push(low & 0x7f);
                return;
            }
            self.octets.push(low | 0x80);
        }
    }
}

/// Makes what owns its strings: they are slices of the record, and looked at here.
struct Owner<'a> {
    record: &'a Bytes,
}

impl Owner<'_> {
    fn part(&self, part: &RecordPart<'_>) -> Option<Part> {
        Some(Part {
            kind: part.kind,
            parent: part.parent,
            first_child: part.first_child,
            next_sibling: part.next_sibling,
            header: part.header,
            body: part.body,
            lines: part.lines,
            decoded: part.decoded,
            media_type: self.token(part.media_type)?,
            subtype: self.token(part.subtype)?,
            parameters: self.parameters(part.parameters)?,
            encoding: self.token(part.encoding)?,
            id: self.optional(part.id)?,
            description: self.optional(part.description)?,
            md5: self.optional(part.md5)?,
            disposition: match part.disposition {
                None => None,
                Some((kind, parameters)) => {
                    Some(Disposition { kind: self.token(kind)?, parameters: self.parameters(parameters)? })
                }
            },
            languages: list(part.languages, |language| self.string(language))?,
            location: self.optional(part.location)?,
            envelope: match &part.envelope {
                None => None,
                Some(envelope) => Some(Box::new(self.envelope(envelope)?)),
            },
        })
    }

    fn envelope(&self, envelope: &RecordEnvelope<'_>) -> Option<Envelope> {
        let [from, own_sender, own_reply_to, to, cc, bcc] = envelope.addresses;
        let addresses = |addresses| list(addresses, |address| self.address(address));
        Some(Envelope {
            date: self.optional(envelope.date)?,
            subject: self.optional(envelope.subject)?,
            from: addresses(from)?,
            own_sender: addresses(own_sender)?,
            own_reply_to: addresses(own_reply_to)?,
            to: addresses(to)?,
            cc: addresses(cc)?,
            bcc: addresses(bcc)?,
            in_reply_to: self.optional(envelope.in_reply_to)?,
            message_id: self.optional(envelope.message_id)?,
        })
    }

    fn address(&self, [name, route, mailbox, host]: RecordAddress<'_>) -> Option<Address> {
        Some(match (mailbox, host) {
            (Some(mailbox), Some(host)) => Address::Mailbox {
                name: self.optional(name)?,
                route: self.optional(route)?,
                mailbox: self.string(mailbox)?,
                host: self.string(host)?,
            },
            (Some(group), None) => Address::GroupStart(self.string(group)?),
            (None, _) => Address::GroupEnd,
        })
    }

    fn parameters(&self, parameters: List<'_, RecordParameter<'_>>) -> Option<Vec<Parameter>> {
        list(parameters, |(name, value)| {
            Some(Parameter { name: self.token(name)?, value: self.string(value)? })
        })
    }

    fn token(&self, string: &[u8]) -> Option<Token> {
        Token::of_lower_case(self.record.slice_ref(string))
    }

    fn optional(&self, string: Option<&[u8]>) -> Option<Option<Bytes>> {
        string.map_or(Some(None), |string| self.string(string).map(Some))
    }

    /// No CR, LF or NUL is in it.
    fn string(&self, string: &[u8]) -> Option<Bytes> {
        is_line(string).then(|| self.record.slice_ref(string))
    }
}

fn list<'a, T: Item<'a>, U>(items: List<'a, T>, own: impl Fn(T) -> Option<U>) -> Option<Vec<U>> {
    // A list of whose items none is there takes no memory.
    let mut owned = Vec::with_capacity(items.count);
    for item in items.iter() {
        owned.push(own(item)?);
    }
    Some(owned)
}

fn is_line(string: &[u8]) -> bool {
    memchr3(b'\0', b'\r', b'\n', string).is_none()
}

#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn optional(&mut self) -> Option<Option<&'a [u8]>> {
        Some(match self.octet()? {
            0 => None,
            1 => Some(self.line()?),
            _ => return None,
        })
    }

    /// A string: no CR, LF or NUL is in it.
    pub(super) fn line(&mut self) -> Option<&'a [u8]> {
        let len = self.size()?;
        let (line, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        is_line(line).then_some(line)
    }

    /// A string that is UTF-8.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        core::str::from_utf8(self.line()?).ok()
    }

    #[inline]
    pub(super) fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    /// Only the shortest form of a number is one.
    #[inline]
    pub(super) fn number(&mut self) -> Option<u64> {
        // Nearly all have one octet.
        match self.rest.split_first() {
            Some((octet, rest)) if *octet < 0x80 => {
                self.rest = rest;
                Some(u64::from(*octet))
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let octet = self.octet()?;
            let bits = u64::from(octet & 0x7f);
            let placed = bits.checked_shl(shift)?;
            if placed.checked_shr(shift)? != bits {
                return None;
            }
            number |= placed;
            if octet & 0x80 == 0 {
                return (octet != 0 || shift == 0).then_some(number);
            }
        }
        None
    }

    pub(super) fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }
}

/// Counts up with every change of the format.
pub(super) const VERSION: u8 = 2;
/// Room for a summary of a usual message.
const OCTETS_AT_ONCE: usize = 512;
