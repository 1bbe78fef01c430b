//! A summary as octets, to be kept beside the message.
//!
//! ```text
//! summary  = version octets count *part overview preview     numbers: LEB128, at most ten octets
//! part     = kind parent header-start header-end body-end lines decoded
//!            type subtype parameters encoding id description md5 disposition languages location envelope
//! list     = count *item      string = length *octet      optional = 0 / 1 value
//! ```
//!
//! The links between parts follow from the parents and are not stored. Reading checks everything a [`Summary`]
//! promises, so that octets damaged in the store give `None` and never a wrong tree; it takes no more memory than a
//! small multiple of the octets given. It copies none of them: a string that is read is a slice of the record.

use alloc::{boxed::Box, vec::Vec};

use bytes::Bytes;
use memchr::memchr3;

use super::{
    address::Address,
    content::{Disposition, Parameter},
    envelope::Envelope,
    summary::{Kind, Part, Span, Summary},
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
        let mut reader = PartReader { record: octets, numbers: Reader { rest: octets } };
        if reader.octet()? != VERSION {
            return None;
        }
        let octets = reader.numbers.size()?;
        let others = reader.numbers.size()?;
        let root = reader.part()?;
        let others = reader.items(others, PartReader::part)?;
        let overview = reader.overview()?;
        let preview = reader.preview()?;
        if !reader.numbers.rest.is_empty() {
            return None;
        }
        let mut summary = Self { octets, root, others, overview, preview };
        link(&mut summary)?;
        is_sound(&summary).then_some(summary)
    }
}

/// Sets the links to children and siblings. `None` when the parts are not in the order of a tree.
fn link(summary: &mut Summary) -> Option<()> {
    if summary.root.parent.is_some() {
        return None;
    }
    for index in 1..=summary.others.len() {
        let parent = summary.part(index)?.parent?;
        // Up from the part before to what stands beside this one. What is passed has no children any more, so that
        // no part is passed twice.
        let mut before = index.checked_sub(1)?;
        if before == parent {
            summary.part_mut(parent)?.first_child = Some(index);
            continue;
        }
        loop {
            let above = summary.part(before)?.parent?;
            if above == parent {
                break;
            }
            before = above;
        }
        summary.part_mut(before)?.next_sibling = Some(index);
    }
    Some(())
}

/// Whether all holds that is said at the top of `summary`.
fn is_sound(summary: &Summary) -> bool {
    let root = summary.root();
    root.span() == Span { start: 0, end: summary.octets }
        && root.envelope.is_some()
        && summary.parts().all(|part| is_part_sound(summary, part))
}

fn is_part_sound(summary: &Summary, part: &Part) -> bool {
    let first = part.first_child.and_then(|index| summary.part(index));
    let next = part.next_sibling.and_then(|index| summary.part(index));
    let parent = part.parent.and_then(|index| summary.part(index));
    let in_order = part.header.start <= part.header.end && part.body.start <= part.body.end;
    let inside = parent
        .is_none_or(|parent| parent.body.contains(part.span()) && part.span().len() < parent.span().len());
    let before_next = next.is_none_or(|next| part.body.end <= next.header.start);
    let holds = match (part.kind, first) {
        (Kind::Leaf, None) => true,
        (Kind::Multipart, Some(_)) => true,
        (Kind::Message, Some(content)) => content.next_sibling.is_none(),
        _ => false,
    };
    let starts_message = parent.is_none_or(|parent| parent.kind == Kind::Message);
    let decoded = part.decoded.is_none_or(|decoded| {
        usize::try_from(decoded).is_ok_and(|size| size <= part.body.len().saturating_mul(2))
    });
    in_order && inside && before_next && holds && decoded && starts_message == part.envelope.is_some()
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

/// Reads parts. The strings in them are slices of the record.
struct PartReader<'a> {
    record: &'a Bytes,
    numbers: Reader<'a>,
}

impl PartReader<'_> {
    fn part(&mut self) -> Option<Part> {
        let kind = match self.octet()? {
            0 => Kind::Leaf,
            1 => Kind::Multipart,
            2 => Kind::Message,
            _ => return None,
        };
        let numbers = &mut self.numbers;
        let parent = numbers.size()?.checked_sub(1);
        let header = Span { start: numbers.size()?, end: numbers.size()? };
        let body = Span { start: header.end, end: numbers.size()? };
        Some(Part {
            kind,
            parent,
            first_child: None,
            next_sibling: None,
            header,
            body,
            lines: numbers.number()?,
            decoded: numbers.number()?.checked_sub(1),
            media_type: self.token()?,
            subtype: self.token()?,
            parameters: self.parameters()?,
            encoding: self.token()?,
            id: self.optional()?,
            description: self.optional()?,
            md5: self.optional()?,
            disposition: self.disposition()?,
            languages: self.list(Self::string)?,
            location: self.optional()?,
            envelope: match self.octet()? {
                0 => None,
                1 => Some(Box::new(self.envelope()?)),
                _ => return None,
            },
        })
    }

    fn envelope(&mut self) -> Option<Envelope> {
        Some(Envelope {
            date: self.optional()?,
            subject: self.optional()?,
            from: self.list(Self::address)?,
            own_sender: self.list(Self::address)?,
            own_reply_to: self.list(Self::address)?,
            to: self.list(Self::address)?,
            cc: self.list(Self::address)?,
            bcc: self.list(Self::address)?,
            in_reply_to: self.optional()?,
            message_id: self.optional()?,
        })
    }

    fn address(&mut self) -> Option<Address> {
        Some(match self.octet()? {
            0 => Address::Mailbox {
                name: self.optional()?,
                route: self.optional()?,
                mailbox: self.string()?,
                host: self.string()?,
            },
            1 => Address::GroupStart(self.string()?),
            2 => Address::GroupEnd,
            _ => return None,
        })
    }

    fn disposition(&mut self) -> Option<Option<Disposition>> {
        Some(match self.octet()? {
            0 => None,
            1 => Some(Disposition { kind: self.token()?, parameters: self.parameters()? }),
            _ => return None,
        })
    }

    fn parameters(&mut self) -> Option<Vec<Parameter>> {
        self.list(|reader| Some(Parameter { name: reader.token()?, value: reader.string()? }))
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.numbers.size()?;
        self.items(count, item)
    }

    /// Every item takes an octet at least, and room is made for a few: a count that lies costs next to nothing.
    fn items<T>(&mut self, count: usize, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut list = Vec::with_capacity(count.min(ITEMS_AT_ONCE));
        for _ in 0..count {
            list.push(item(self)?);
        }
        Some(list)
    }

    fn optional(&mut self) -> Option<Option<Bytes>> {
        let line = self.numbers.optional()?;
        Some(line.map(|line| self.record.slice_ref(line)))
    }

    fn token(&mut self) -> Option<Token> {
        Token::of_lower_case(self.string()?)
    }

    /// The octets of the overview, which are looked through and read when somebody asks for it.
    fn overview(&mut self) -> Option<Bytes> {
        let before = self.numbers.rest;
        self.numbers.skip_overview()?;
        let len = before.len().checked_sub(self.numbers.rest.len())?;
        Some(self.record.slice_ref(before.get(..len)?))
    }

    fn preview(&mut self) -> Option<Bytes> {
        let text = self.numbers.text()?;
        Some(self.record.slice_ref(text.as_bytes()))
    }

    fn string(&mut self) -> Option<Bytes> {
        let line = self.numbers.line()?;
        Some(self.record.slice_ref(line))
    }

    fn octet(&mut self) -> Option<u8> {
        self.numbers.octet()
    }
}

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
        memchr3(b'\0', b'\r', b'\n', line).is_none().then_some(line)
    }

    /// A string that is UTF-8.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        core::str::from_utf8(self.line()?).ok()
    }

    pub(super) fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    /// Only the shortest form of a number is one.
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
/// Items of a list that room is made for in advance.
const ITEMS_AT_ONCE: usize = 32;
