//! What an IMAP server has to know about a stored message: envelope, body structure, sections (RFC 9051 6.4.5, 7.5.2;
//! RFC 3501 the same).
//!
//! [`Summary::scan`] reads a message once and keeps what `ENVELOPE`, `BODYSTRUCTURE`, `BODY[section]`, `BINARY` (RFC
//! 3516), `PREVIEW` (RFC 8970), SORT and THREAD (RFC 5256) need; with
//! [`Summary::to_bytes`] it is stored beside the message, and no fetch reads the whole of it again.
//!
//! ```
//! use std::num::NonZeroU32;
//!
//! use posthaste_imap::message::Summary;
//! use posthaste_imap::types::{PartPath, Section};
//!
//! let message = b"Subject: hi\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x--\r\n";
//! let summary = Summary::scan(message);
//! assert_eq!(summary.envelope().subject.as_deref(), Some(&b"hi"[..]));
//! let first = Section::new(Some(PartPath::new(vec![NonZeroU32::MIN])?), None)?;
//! assert_eq!(summary.section(&first, message).as_deref(), Some(&b"one"[..]));
//! # Ok::<(), posthaste_imap::error::InvalidValue>(())
//! ```
//!
//! Every function is total: any octets give an answer, in time linear in their number, within named [`Limits`].
//! Envelope and body structure are as written: no encoded words and no transfer encodings are decoded in them. Only
//! parameters in the sections and charsets of RFC 2231 are put together and told in UTF-8 (RFC 9051 7.5.2). What is compared ([`Overview`]), shown ([`Summary::preview`]) or counted ([`Part::decoded`]) is decoded. Nothing is
//! rejected.
//!
//! # How broken messages are read
//!
//! There is one reading of each message, and it is always one that can be said in IMAP:
//!
//! * Lines end in CR LF or in LF, mixed or not. A CR alone is an octet like another.
//! * A header ends at the first empty line, and only there (or at a delimiter of a multipart around it). A line
//!   that is no field belongs to the header and has no name.
//! * Of repeated fields the first counts; only `To`, `Cc` and `Bcc` add up.
//! * A delimiter is a line of `--`, the boundary, perhaps `--`, then white space only. The innermost open multipart
//!   is asked first.
//! * A multipart without a usable boundary or without any delimiter is a `text/plain` leaf: a multipart has always
//!   at least one part.
//! * A `message/rfc822` in a transfer encoding, and what lies deeper than [`Limits::depth_max`] or behind
//!   [`Limits::parts_max`], is an `application/octet-stream` leaf.

mod address;
mod compared;
mod content;
mod date;
mod envelope;
mod field;
mod gather;
mod lexer;
mod limits;
mod overview;
mod parameter;
mod record;
mod scan;
mod section;
mod stored;
mod subject;
mod summary;
mod token;
mod transfer;
mod wire;

pub use address::Address;
pub use compared::Compared;
pub use content::{Disposition, Parameter};
pub use date::SentDate;
pub use envelope::Envelope;
pub use field::{Field, Fields, unfold};
pub use limits::Limits;
pub use overview::{Overview, message_ids};
pub use record::Record;
pub use section::{Decoded, FieldChoice, Located, chosen_fields, partial};
pub use subject::{BaseSubject, base_subject, squeeze};
pub use summary::{Kind, Part, Parts, Span, Summary};
pub use token::Token;
pub use transfer::{LineEnds, TransferDecoder, TransferEncoding};
pub use wire::StructureForm;
