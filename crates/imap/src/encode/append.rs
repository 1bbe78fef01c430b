//! APPEND up to its message (RFC 9051, section 6.3.12).

use super::writer::{EncodeContext, Fragment, Nul, Writer};
use crate::types::{AppendHead, LiteralHeader, Tag};
use alloc::vec::Vec;

/// `tag APPEND mailbox [(flags)] ["date"] {len}` with the CRLF of the header, and the wait where one is due.
///
/// Then `len` octets and a CRLF have to follow. With `binary` the literal is `~{len}` (RFC 3516), and the
/// message may hold NUL; `header.synchronising` is not looked at, `context` decides.
pub fn prefix(tag: &Tag, head: &AppendHead, header: LiteralHeader, context: EncodeContext) -> Vec<Fragment> {
    Writer::fragments(context, |writer| {
        writer.put(tag.as_bytes());
        writer.text(" APPEND ");
        writer.append_head(head);
        let nul = if header.binary { Nul::Possible } else { Nul::Absent };
        writer.literal_header(header.len, nul);
    })
}

impl Writer<'_> {
    /// The arguments with a space behind each.
    pub(super) fn append_head(&mut self, head: &AppendHead) {
        self.mailbox(&head.mailbox);
        self.octet(b' ');
        if !head.flags.is_empty() {
            self.flags(&head.flags);
            self.octet(b' ');
        }
        if let Some(time) = head.date_time {
            self.date_time(time);
            self.octet(b' ');
        }
    }
}
