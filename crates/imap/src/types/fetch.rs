//! FETCH: what is asked and what a row holds (RFC 9051, sections 6.4.5 and 7.5.2; RFC 3516, 7162, 8474, 8514, 8970,
//! 9394; Gmail's X-GM-EXT-1).

use crate::error::InvalidValue;
use crate::types::{
    AString, BodyStructure, DateTime, Envelope, Flags, MessageSet, NString, ObjectId, PartPath, PartialRange,
    Section,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;
use core::num::NonZeroU32;

/// The arguments of FETCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchCommand {
    /// Which messages.
    pub set: MessageSet,
    /// What of each; never empty.
    pub attributes: Vec<FetchAttribute>,
    /// What else the answer depends on.
    pub modifiers: FetchModifiers,
}

/// `fetch-modifiers`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FetchModifiers {
    /// `CHANGEDSINCE`: only what has a higher mod-sequence (RFC 7162, section 3.1.4.1).
    pub changed_since: Option<u64>,
    /// `VANISHED`: also tell what is gone; only in UID FETCH and with `CHANGEDSINCE` (RFC 7162, section 3.2.6).
    pub vanished: bool,
    /// `PARTIAL`: only these of the messages named (RFC 9394).
    pub partial: Option<PartialRange>,
}

impl FetchModifiers {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.changed_since.is_none() && !self.vanished && self.partial.is_none()
    }
}

/// `fetch-att`: one data item asked for. The macros ALL, FAST and FULL are expanded when parsed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchAttribute {
    /// `FLAGS`
    Flags,
    /// `UID`
    Uid,
    /// `INTERNALDATE`
    InternalDate,
    /// `RFC822.SIZE`
    Rfc822Size,
    /// `ENVELOPE`
    Envelope,
    /// `BODY` without a section: the structure without extension data.
    Body,
    /// `BODYSTRUCTURE`
    BodyStructure,
    /// `BODY[section]<partial>` or `BODY.PEEK[..]`
    Section {
        /// Which octets.
        section: Section,
        /// Which of these, all when `None`.
        partial: Option<Partial>,
        /// `BODY.PEEK`: do not set `\Seen`.
        peek: bool,
    },
    /// `RFC822` (RFC 3501), as `BODY[]`.
    Rfc822,
    /// `RFC822.HEADER` (RFC 3501), as `BODY.PEEK[HEADER]`.
    Rfc822Header,
    /// `RFC822.TEXT` (RFC 3501), as `BODY[TEXT]`.
    Rfc822Text,
    /// `BINARY[part]<partial>` or `BINARY.PEEK[..]` (RFC 3516)
    Binary {
        /// Which part, the message when `None`.
        part: Option<PartPath>,
        /// Which octets after decoding.
        partial: Option<Partial>,
        /// `BINARY.PEEK`: do not set `\Seen`.
        peek: bool,
    },
    /// `BINARY.SIZE[part]` (RFC 3516)
    BinarySize(Option<PartPath>),
    /// `MODSEQ` (RFC 7162)
    ModSeq,
    /// `SAVEDATE` (RFC 8514)
    SaveDate,
    /// `EMAILID` (RFC 8474)
    EmailId,
    /// `THREADID` (RFC 8474)
    ThreadId,
    /// `PREVIEW` (RFC 8970)
    Preview {
        /// `(LAZY)`: only if it is at hand.
        lazy: bool,
    },
    /// `X-GM-MSGID`
    GmMsgId,
    /// `X-GM-THRID`
    GmThrId,
    /// `X-GM-LABELS`
    GmLabels,
}

impl FetchAttribute {
    /// The items of the macro `FAST`.
    pub const FAST: [Self; 3] = [Self::Flags, Self::InternalDate, Self::Rfc822Size];
    /// The items of the macro `ALL`.
    pub const ALL: [Self; 4] = [Self::Flags, Self::InternalDate, Self::Rfc822Size, Self::Envelope];
    /// The items of the macro `FULL`.
    pub const FULL: [Self; 5] =
        [Self::Flags, Self::InternalDate, Self::Rfc822Size, Self::Envelope, Self::Body];
}

/// `partial = "<" number "." nz-number ">"`: an offset and a count of octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Partial {
    /// The first octet, from 0. `offset + count` may pass `u32::MAX`: add as `u64`.
    pub offset: u32,
    /// At most this many octets.
    pub count: NonZeroU32,
}

/// One item of a FETCH row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchItem {
    /// `FLAGS (..)`
    Flags(Flags),
    /// `UID n`
    Uid(NonZeroU32),
    /// `INTERNALDATE ".."`
    InternalDate(DateTime),
    /// `RFC822.SIZE n`, in octets
    Rfc822Size(u64),
    /// `ENVELOPE (..)`
    Envelope(Box<Envelope>),
    /// `BODY (..)`: the structure without extension data.
    Body(Box<BodyStructure>),
    /// `BODYSTRUCTURE (..)`
    BodyStructure(Box<BodyStructure>),
    /// The octets of a section, all of them at hand; `None` is NIL. Longer ones stream.
    Payload {
        /// What they are.
        payload: Payload,
        /// The octets.
        data: Option<Bytes>,
    },
    /// `BINARY.SIZE[part] n` (RFC 3516)
    BinarySize {
        /// The part, the message when `None`.
        part: Option<PartPath>,
        /// Octets after decoding.
        size: u32,
    },
    /// `MODSEQ (n)` (RFC 7162)
    ModSeq(u64),
    /// `SAVEDATE ".."` (RFC 8514), NIL where it is not kept
    SaveDate(Option<DateTime>),
    /// `EMAILID (id)` (RFC 8474)
    EmailId(ObjectId),
    /// `THREADID (id)` (RFC 8474), NIL where threads are not kept
    ThreadId(Option<ObjectId>),
    /// `PREVIEW ".."` (RFC 8970), UTF-8; NIL where it is not at hand
    Preview(NString),
    /// `X-GM-MSGID n`
    GmMsgId(u64),
    /// `X-GM-THRID n`
    GmThrId(u64),
    /// `X-GM-LABELS (..)`, as they stand on the wire
    GmLabels(Vec<AString>),
    /// An item this crate does not know, or whose value broke the grammar: its name and value as they came.
    /// Only a client's parser makes it; the encoder leaves it out.
    Opaque {
        /// The name up to the first space, bracketed sections included.
        name: Bytes,
        /// The value, balanced, without surrounding spaces.
        value: Bytes,
    },
}

/// What the octets of a payload are: the part of a FETCH item in front of its string.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payload {
    /// `BODY[section]<origin>`
    Section {
        /// Which section.
        section: Section,
        /// The offset of the first octet when a partial was asked for.
        origin: Option<u32>,
    },
    /// `BINARY[part]<origin>` (RFC 3516)
    Binary {
        /// Which part, the message when `None`.
        part: Option<PartPath>,
        /// The offset of the first octet when a partial was asked for.
        origin: Option<u32>,
    },
    /// `RFC822`
    Rfc822,
    /// `RFC822.HEADER`
    Rfc822Header,
    /// `RFC822.TEXT`
    Rfc822Text,
}

impl Partial {
    /// `count` octets from `offset` on.
    ///
    /// # Errors
    /// When `count` is zero.
    pub fn new(offset: u32, count: u32) -> Result<Self, InvalidValue> {
        let count = NonZeroU32::new(count).ok_or(InvalidValue::new("partial"))?;
        Ok(Self { offset, count })
    }
}
