//! APPEND up to its message, and what follows a message (RFC 9051, section 6.3.12; RFC 3502, RFC 4469, RFC 6855).

use super::writer::{EncodeContext, Fragment, Nul, Writer};
use crate::types::{AppendData, AppendHead, AppendOptions, CatenateRun, DateTime, Flags, LiteralHeader, Tag};
use alloc::vec::Vec;

/// `tag APPEND mailbox [(flags)] ["date"] {len}` with the CRLF of the header, and the wait where one is due.
///
/// Then `len` octets and a CRLF have to follow. With `binary` the literal is `~{len}` (RFC 3516), and the
/// message may hold NUL; `header.synchronising` is not looked at, `context` decides.
pub fn prefix(tag: &Tag, head: &AppendHead, header: LiteralHeader, context: EncodeContext) -> Vec<Fragment> {
    Writer::fragments(context, |writer| {
        writer.put(tag.as_bytes());
        writer.text(" APPEND ");
        writer.append(head, &AppendData::Literal(header));
    })
}

/// What stands behind the octets of one message and in front of those of the next (MULTIAPPEND, RFC 3502).
///
/// `before` is how the message that has just been sent was given.
pub fn next_message(
    before: &AppendData,
    options: &AppendOptions,
    data: &AppendData,
    context: EncodeContext,
) -> Vec<Fragment> {
    Writer::fragments(context, |writer| {
        writer.append_close(before);
        writer.octet(b' ');
        writer.append_options(&options.flags, options.date_time);
        writer.append_data(data);
    })
}

/// Further parts of CATENATE, behind the octets of a TEXT part.
pub fn next_parts(run: &CatenateRun, context: EncodeContext) -> Vec<Fragment> {
    Writer::fragments(context, |writer| writer.catenate(run, Separation::Before))
}

/// The end of the command behind the last message, with its CRLF; `before` is how that message was given.
pub fn end(before: &AppendData, context: EncodeContext) -> Vec<Fragment> {
    Writer::fragments(context, |writer| {
        writer.append_close(before);
        writer.put(b"\r\n");
    })
}

/// Whether a part of CATENATE is the first behind the parenthesis.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Separation {
    None,
    Before,
}

impl Writer<'_> {
    /// The arguments up to the first literal.
    pub(super) fn append(&mut self, head: &AppendHead, data: &AppendData) {
        self.mailbox(&head.mailbox);
        self.octet(b' ');
        self.append_options(&head.flags, head.date_time);
        self.append_data(data);
    }

    /// The options with a space behind each.
    fn append_options(&mut self, flags: &Flags, date_time: Option<DateTime>) {
        if !flags.is_empty() {
            self.flags(flags);
            self.octet(b' ');
        }
        if let Some(time) = date_time {
            self.date_time(time);
            self.octet(b' ');
        }
    }

    fn append_data(&mut self, data: &AppendData) {
        match data {
            AppendData::Literal(header) => self.announce(*header),
            AppendData::Utf8(header) => {
                self.text("UTF8 (");
                self.announce(LiteralHeader { binary: true, ..*header });
            }
            AppendData::Catenate(run) => {
                self.text("CATENATE (");
                self.catenate(run, Separation::None);
            }
        }
    }

    fn append_close(&mut self, before: &AppendData) {
        match before {
            AppendData::Utf8(_) | AppendData::Catenate(CatenateRun { text: Some(_), .. }) => self.octet(b')'),
            AppendData::Literal(_) | AppendData::Catenate(CatenateRun { text: None, .. }) => {}
        }
    }

    fn catenate(&mut self, run: &CatenateRun, mut separation: Separation) {
        for url in &run.urls {
            self.separate(&mut separation);
            self.text("URL ");
            self.astring(url.as_bytes());
        }
        match run.text {
            Some(header) => {
                self.separate(&mut separation);
                self.text("TEXT ");
                self.announce(header);
            }
            None => self.octet(b')'),
        }
    }

    fn separate(&mut self, separation: &mut Separation) {
        if core::mem::replace(separation, Separation::Before) == Separation::Before {
            self.octet(b' ');
        }
    }

    fn announce(&mut self, header: LiteralHeader) {
        let nul = if header.binary { Nul::Possible } else { Nul::Absent };
        self.literal_header(header.len, nul);
    }
}
