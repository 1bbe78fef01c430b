//! BODYSTRUCTURE and BODY (RFC 9051, sections 7.5.2 and 9: `body`).
//!
//! A tree. The parser bounds its depth, [`Summary::body_structure`](crate::message::Summary::body_structure) too, and
//! reading and writing keep their own stack. Dropping, cloning and comparing one takes the thread's: whoever builds a
//! deeper tree by hand bounds it himself.

use crate::types::{AString, Envelope, NString};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// `body-fld-param`: attribute and value pairs; an empty list is NIL.
pub type Parameters = Vec<(AString, AString)>;

/// `body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyStructure {
    /// `body-type-1part`
    Part(BodyPart),
    /// `body-type-mpart`
    Multipart(Multipart),
}

/// `body-type-1part`: a part that is not a multipart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyPart {
    /// The media type and what depends on it.
    pub kind: BodyKind,
    /// Parameters of Content-Type.
    pub parameters: Parameters,
    /// Content-ID.
    pub id: NString,
    /// Content-Description.
    pub description: NString,
    /// Content-Transfer-Encoding.
    pub encoding: AString,
    /// The size in octets, still encoded.
    pub octets: u64,
    /// `body-ext-1part`, `None` in a plain BODY.
    pub extension: Option<PartExtension>,
}

/// The three shapes of a single part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// `body-type-basic`
    Basic {
        /// The type, such as `APPLICATION`. Not `TEXT`, nor `MESSAGE` with `RFC822` or `GLOBAL`: readers
        /// expect the other shapes there.
        media_type: AString,
        /// The subtype.
        subtype: AString,
    },
    /// `body-type-text`
    Text {
        /// The subtype, such as `PLAIN`.
        subtype: AString,
        /// The size in lines, still encoded.
        lines: u64,
    },
    /// `body-type-msg`
    Message {
        /// `RFC822` or `GLOBAL`.
        subtype: AString,
        /// The envelope of the message inside.
        envelope: Box<Envelope>,
        /// The structure of the message inside.
        body: Box<BodyStructure>,
        /// The size in lines, still encoded.
        lines: u64,
    },
}

/// `body-type-mpart`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipart {
    /// The parts. The grammar wants at least one; servers that send none are understood.
    pub parts: Vec<BodyStructure>,
    /// The subtype, such as `MIXED`.
    pub subtype: AString,
    /// `body-ext-mpart`, `None` in a plain BODY.
    pub extension: Option<MultipartExtension>,
}

/// `body-ext-1part`. Fields a server leaves out at the end are NIL; fields after the location are skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartExtension {
    /// Content-MD5.
    pub md5: NString,
    /// Content-Disposition.
    pub disposition: Option<Disposition>,
    /// Content-Language; an empty list is NIL.
    pub language: Vec<AString>,
    /// Content-Location.
    pub location: NString,
}

/// `body-ext-mpart`. Fields a server leaves out at the end are NIL; fields after the location are skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MultipartExtension {
    /// Parameters of Content-Type.
    pub parameters: Parameters,
    /// Content-Disposition.
    pub disposition: Option<Disposition>,
    /// Content-Language; an empty list is NIL.
    pub language: Vec<AString>,
    /// Content-Location.
    pub location: NString,
}

/// `body-fld-dsp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition {
    /// `inline`, `attachment` or another token.
    pub kind: AString,
    /// Its parameters.
    pub parameters: Parameters,
}
