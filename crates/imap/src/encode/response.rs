//! Responses, as a server writes them (RFC 9051, section 7).

use super::writer::{EncodeContext, Writer};
use crate::types::{EsearchResponse, Response, Status, Tag};
use bytes::BytesMut;

/// Appends `response` with its CRLF. Writes nothing for [`Response::Other`].
pub fn response(out: &mut BytesMut, response: &Response, context: EncodeContext) {
    let mut writer = Writer::response(out, context);
    match response {
        Response::Other(_) => return,
        Response::Tagged(tag, status) => return tagged(out, tag, status, context),
        Response::Continue(text) => {
            writer.text("+ ");
            writer.continuation_text(text);
        }
        data => {
            writer.text("* ");
            writer.data(data);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends `tag OK ..` with its CRLF.
pub fn tagged(out: &mut BytesMut, tag: &Tag, status: &Status, context: EncodeContext) {
    let mut writer = Writer::response(out, context);
    writer.put(tag.as_bytes());
    writer.octet(b' ');
    writer.status(status);
    out.extend_from_slice(b"\r\n");
}

/// Appends `* OK ..` with its CRLF.
pub fn untagged(out: &mut BytesMut, status: &Status, context: EncodeContext) {
    let mut writer = Writer::response(out, context);
    writer.text("* ");
    writer.status(status);
    out.extend_from_slice(b"\r\n");
}

impl Writer<'_> {
    /// Text of a continuation request; unlike a status it may be empty.
    fn continuation_text(&mut self, text: &[u8]) {
        if !text.is_empty() {
            self.free_text(text, false);
        }
    }

    fn data(&mut self, response: &Response) {
        match response {
            Response::Tagged(..) | Response::Continue(_) | Response::Other(_) => {}
            Response::Untagged(status) => self.status(status),
            Response::Capability(capabilities) => {
                self.text("CAPABILITY");
                self.capabilities(capabilities);
            }
            Response::Enabled(capabilities) => {
                self.text("ENABLED");
                self.capabilities(capabilities);
            }
            Response::Flags(flags) => {
                self.text("FLAGS ");
                self.flags(flags);
            }
            Response::List(list) => {
                self.text("LIST ");
                self.list_response(list);
            }
            Response::Lsub(list) => {
                self.text("LSUB ");
                self.list_response(list);
            }
            Response::Search(numbers) => {
                self.text("SEARCH");
                for number in numbers {
                    self.octet(b' ');
                    self.number(number.get());
                }
            }
            Response::Esearch(esearch) => self.esearch(esearch),
            Response::Status(mailbox, items) => {
                self.text("STATUS ");
                self.mailbox(mailbox);
                self.octet(b' ');
                self.status_items(items);
            }
            Response::Exists(number) => self.numbered(*number, " EXISTS"),
            Response::Recent(number) => self.numbered(*number, " RECENT"),
            Response::Expunge(number) => self.numbered(number.get(), " EXPUNGE"),
            Response::Fetch(number, items) => {
                self.numbered(number.get(), " FETCH ");
                self.fetch_items(items);
            }
            Response::Namespace(namespaces) => {
                self.text("NAMESPACE ");
                self.namespaces(namespaces);
            }
            Response::Id(parameters) => {
                self.text("ID ");
                self.id_parameters(parameters);
            }
            Response::Vanished { earlier, uids } => {
                self.text(if *earlier { "VANISHED (EARLIER) " } else { "VANISHED " });
                self.uid_set(uids);
            }
        }
    }

    fn numbered(&mut self, number: u32, name: &str) {
        self.number(number);
        self.text(name);
    }

    fn esearch(&mut self, esearch: &EsearchResponse) {
        self.text("ESEARCH");
        if let Some(tag) = &esearch.tag {
            self.text(" (TAG ");
            self.string_of(tag);
            self.octet(b')');
        }
        if esearch.uid {
            self.text(" UID");
        }
        if let Some(min) = esearch.min {
            self.text(" MIN ");
            self.number(min.get());
        }
        if let Some(max) = esearch.max {
            self.text(" MAX ");
            self.number(max.get());
        }
        if let Some(all) = &esearch.all {
            self.text(" ALL ");
            self.sequence_set(all);
        }
        if let Some(count) = esearch.count {
            self.text(" COUNT ");
            self.number(count);
        }
    }
}
