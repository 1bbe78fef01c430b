//! A stored summary, read where it stands.
//!
//! What is made here is the frame: how the parts hang together, and where their strings are. It holds all that is said
//! at the top of `summary`, and is what a [`Summary`](super::Summary) is made of; envelope and body structure go from it
//! to the wire without one. The links between parts follow from the parents and are not stored.
//!
//! A string is as long as it says; what is in it is looked at by whoever owns or writes it.

use core::marker::PhantomData;

use alloc::vec::Vec;

use super::{
    stored::{Reader, VERSION},
    summary::{Kind, Span},
};

/// A summary as [`Summary::to_bytes`](super::Summary::to_bytes) wrote it: what ENVELOPE, BODY and BODYSTRUCTURE tell goes
/// from here to the wire, see [`RowWriter::envelope`](crate::server::RowWriter::envelope).
///
/// ```
/// use posthaste_imap::message::{Record, Summary};
///
/// let stored = Summary::scan(b"Subject: hi\r\n\r\nSure, at noon.\r\n").to_bytes();
/// let record = Record::from_bytes(&stored).unwrap();
/// assert_eq!(record.preview(), "Sure, at noon.");
/// ```
#[derive(Clone, Debug)]
pub struct Record<'a> {
    pub(super) octets: usize,
    pub(super) root: RecordPart<'a>,
    /// The parts behind the root.
    pub(super) others: Vec<RecordPart<'a>>,
    /// As it is stored.
    pub(super) overview: &'a [u8],
    pub(super) preview: &'a [u8],
}

/// A part. Its members are those of [`Part`](super::Part).
#[derive(Clone, Debug)]
pub(super) struct RecordPart<'a> {
    pub(super) kind: Kind,
    pub(super) parent: Option<usize>,
    pub(super) first_child: Option<usize>,
    pub(super) next_sibling: Option<usize>,
    pub(super) header: Span,
    pub(super) body: Span,
    pub(super) lines: u64,
    pub(super) decoded: Option<u64>,
    pub(super) media_type: &'a [u8],
    pub(super) subtype: &'a [u8],
    pub(super) parameters: List<'a, RecordParameter<'a>>,
    pub(super) encoding: &'a [u8],
    pub(super) id: Option<&'a [u8]>,
    pub(super) description: Option<&'a [u8]>,
    pub(super) md5: Option<&'a [u8]>,
    pub(super) disposition: Option<(&'a [u8], List<'a, RecordParameter<'a>>)>,
    pub(super) languages: List<'a, &'a [u8]>,
    pub(super) location: Option<&'a [u8]>,
    pub(super) envelope: Option<RecordEnvelope<'a>>,
}

/// An envelope. Its members are those of [`Envelope`](super::Envelope).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RecordEnvelope<'a> {
    pub(super) date: Option<&'a [u8]>,
    pub(super) subject: Option<&'a [u8]>,
    /// The authors, own sender, own reply-to, to, cc and bcc.
    pub(super) addresses: [List<'a, RecordAddress<'a>>; ADDRESS_LISTS],
    pub(super) in_reply_to: Option<&'a [u8]>,
    pub(super) message_id: Option<&'a [u8]>,
}

/// A name and a value.
pub(super) type RecordParameter<'a> = (&'a [u8], &'a [u8]);

/// One address structure: name, route, mailbox and host. The start of a group has a mailbox only, its end has nothing.
pub(super) type RecordAddress<'a> = [Option<&'a [u8]>; 4];

impl<'a> Record<'a> {
    /// Reads what [`Summary::to_bytes`](super::Summary::to_bytes) wrote, and copies nothing of it. Every record that is
    /// read as a summary is read here, and tells the same. `None` for another version, for parts that make no tree, and
    /// where what a string or a list says of its length is wrong.
    pub fn from_bytes(octets: &'a [u8]) -> Option<Self> {
        let mut reader = Reader { rest: octets };
        if reader.octet()? != VERSION {
            return None;
        }
        let octets = reader.size()?;
        let count = reader.size()?;
        let root = reader.part()?;
        // Every part takes an octet at least, and room is made for a few: a count that lies costs next to nothing.
        let mut others = Vec::with_capacity(count.min(PARTS_AT_ONCE));
        for _ in 0..count {
            others.push(reader.part()?);
        }
        let overview = reader.behind(Reader::pass_overview)?;
        let preview = reader.string()?;
        let mut record = Self { octets, root, others, overview, preview };
        record.link()?;
        (reader.rest.is_empty() && record.is_sound()).then_some(record)
    }

    /// `PREVIEW`: see [`Summary::preview`](super::Summary::preview).
    pub fn preview(&self) -> &'a str {
        core::str::from_utf8(self.preview).unwrap_or_default()
    }

    pub(super) fn part(&self, index: usize) -> Option<&RecordPart<'a>> {
        match index.checked_sub(1) {
            None => Some(&self.root),
            Some(index) => self.others.get(index),
        }
    }

    fn part_mut(&mut self, index: usize) -> Option<&mut RecordPart<'a>> {
        match index.checked_sub(1) {
            None => Some(&mut self.root),
            Some(index) => self.others.get_mut(index),
        }
    }

    /// Sets the links to children and siblings. `None` when the parts are not in the order of a tree.
    fn link(&mut self) -> Option<()> {
        if self.root.parent.is_some() {
            return None;
        }
        for index in 1..=self.others.len() {
            let parent = self.part(index)?.parent?;
            // Up from the part before to what stands beside this one. What is passed has no children any more, so that
            // no part is passed twice.
            let mut before = index.checked_sub(1)?;
            if before == parent {
                self.part_mut(parent)?.first_child = Some(index);
                continue;
            }
            loop {
                let above = self.part(before)?.parent?;
                if above == parent {
                    break;
                }
                before = above;
            }
            self.part_mut(before)?.next_sibling = Some(index);
        }
        Some(())
    }

    /// Whether all holds that is said at the top of `summary`.
    fn is_sound(&self) -> bool {
        let root = &self.root;
        root.span() == Span { start: 0, end: self.octets }
            && root.envelope.is_some()
            && self.is_part_sound(root)
            && self.others.iter().all(|part| self.is_part_sound(part))
    }

    fn is_part_sound(&self, part: &RecordPart<'_>) -> bool {
        let first = part.first_child.and_then(|index| self.part(index));
        let next = part.next_sibling.and_then(|index| self.part(index));
        let parent = part.parent.and_then(|index| self.part(index));
        let in_order = part.header.start <= part.header.end && part.body.start <= part.body.end;
        let inside = parent.is_none_or(|parent| {
            parent.body.contains(part.span()) && part.span().len() < parent.span().len()
        });
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
}

impl RecordPart<'_> {
    fn span(&self) -> Span {
        Span { start: self.header.start, end: self.body.end }
    }
}

/// A list, read again each time somebody goes through it: only its ends are kept.
pub(super) struct List<'a, T> {
    pub(super) count: usize,
    items: &'a [u8],
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self { count: 0, items: &[], of: PhantomData }
    }
}

impl<T> core::fmt::Debug for List<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "List({} items)", self.count)
    }
}

impl<'a, T: Item<'a>> List<'a, T> {
    pub(super) fn iter(self) -> Items<'a, T> {
        Items { left: self.count, reader: Reader { rest: self.items }, of: PhantomData }
    }
}

/// What is in a list.
#[derive(Debug)]
pub(crate) struct Items<'a, T> {
    left: usize,
    reader: Reader<'a>,
    of: PhantomData<fn() -> T>,
}

impl<'a, T: Item<'a>> Iterator for Items<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        T::read(&mut self.reader)
    }
}

/// What a list may be of.
pub(super) trait Item<'a>: Sized {
    /// Reads one; `None` for what is none.
    fn read(reader: &mut Reader<'a>) -> Option<Self>;
    /// Goes behind one, wherever [`read`](Self::read) would.
    fn pass(reader: &mut Reader<'a>) -> Option<()>;
}

impl<'a> Item<'a> for &'a [u8] {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        reader.string()
    }

    fn pass(reader: &mut Reader<'a>) -> Option<()> {
        reader.skip_string()
    }
}

impl<'a> Item<'a> for RecordParameter<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        Some((reader.string()?, reader.string()?))
    }

    fn pass(reader: &mut Reader<'a>) -> Option<()> {
        reader.skip_parameter()
    }
}

impl<'a> Item<'a> for RecordAddress<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        Some(match reader.octet()? {
            0 => [
                reader.optional_string()?,
                reader.optional_string()?,
                Some(reader.string()?),
                Some(reader.string()?),
            ],
            1 => [None, None, Some(reader.string()?), None],
            2 => [None; 4],
            _ => return None,
        })
    }

    fn pass(reader: &mut Reader<'a>) -> Option<()> {
        reader.skip_address()
    }
}

impl<'a> Reader<'a> {
    fn part(&mut self) -> Option<RecordPart<'a>> {
        let kind = match self.octet()? {
            0 => Kind::Leaf,
            1 => Kind::Multipart,
            2 => Kind::Message,
            _ => return None,
        };
        let parent = self.size()?.checked_sub(1);
        let header = Span { start: self.size()?, end: self.size()? };
        let body = Span { start: header.end, end: self.size()? };
        Some(RecordPart {
            kind,
            parent,
            first_child: None,
            next_sibling: None,
            header,
            body,
            lines: self.number()?,
            decoded: self.number()?.checked_sub(1),
            media_type: self.string()?,
            subtype: self.string()?,
            parameters: self.list()?,
            encoding: self.string()?,
            id: self.optional_string()?,
            description: self.optional_string()?,
            md5: self.optional_string()?,
            disposition: match self.octet()? {
                0 => None,
                1 => Some((self.string()?, self.list()?)),
                _ => return None,
            },
            languages: self.list()?,
            location: self.optional_string()?,
            envelope: match self.octet()? {
                0 => None,
                1 => Some(self.envelope()?),
                _ => return None,
            },
        })
    }

    fn envelope(&mut self) -> Option<RecordEnvelope<'a>> {
        let (date, subject) = (self.optional_string()?, self.optional_string()?);
        let mut addresses = [List::default(); ADDRESS_LISTS];
        for list in &mut addresses {
            *list = self.list()?;
        }
        let (in_reply_to, message_id) = (self.optional_string()?, self.optional_string()?);
        Some(RecordEnvelope { date, subject, addresses, in_reply_to, message_id })
    }

    fn list<T: Item<'a>>(&mut self) -> Option<List<'a, T>> {
        let count = self.size()?;
        let items = self.behind(|reader| reader.skip_items(count, T::pass))?;
        Some(List { count, items, of: PhantomData })
    }

    /// What `pass` goes behind.
    fn behind(&mut self, pass: impl FnOnce(&mut Self) -> Option<()>) -> Option<&'a [u8]> {
        let before = self.rest;
        pass(self)?;
        before.get(..before.len().checked_sub(self.rest.len())?)
    }

    fn optional_string(&mut self) -> Option<Option<&'a [u8]>> {
        Some(match self.octet()? {
            0 => None,
            1 => Some(self.string()?),
            _ => return None,
        })
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let len = self.size()?;
        let (string, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(string)
    }
}

/// The lists of addresses in an envelope.
const ADDRESS_LISTS: usize = 6;
/// Parts that room is made for in advance.
const PARTS_AT_ONCE: usize = 8;
