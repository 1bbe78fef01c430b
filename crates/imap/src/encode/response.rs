//! Responses, as a server writes them (RFC 9051, section 7).

use super::writer::{EncodeContext, Writer};
use crate::types::{Response, SearchResponse, Status, Tag};
use bytes::BytesMut;

/// Appends `response` with its CRLF. Writes nothing for [`Response::Other`], nor for a row without an item that can
/// be written.
pub fn response(out: &mut BytesMut, response: &Response, context: EncodeContext) {
    let mut writer = Writer::response(out, context);
    match response {
        Response::Other(_) => return,
        Response::Fetch(_, items) | Response::UidFetch(_, items) if !super::fetch::is_writable(items) => {
            return;
        }
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
            Response::XList(list) => {
                self.text("XLIST ");
                self.list_response(list);
            }
            Response::Search(search) => self.search_response("SEARCH", search),
            Response::Sort(sort) => self.search_response("SORT", sort),
            Response::Thread(threads) => {
                self.text("THREAD");
                self.threads(threads);
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
            Response::UidFetch(uid, items) => {
                self.numbered(uid.get(), " UIDFETCH ");
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
            extension => self.extension_data(extension),
        }
    }

    fn extension_data(&mut self, response: &Response) {
        match response {
            Response::UidBatches(batches) => {
                self.text("UIDBATCHES");
                self.batches(batches);
            }
            Response::Quota { root, resources } => {
                self.text("QUOTA ");
                self.astring(root.as_bytes());
                self.octet(b' ');
                self.quota_usages(resources);
            }
            Response::QuotaRoot { mailbox, roots } => {
                self.text("QUOTAROOT ");
                self.mailbox(mailbox);
                self.spaced_astrings(roots);
            }
            Response::Acl(acl) => {
                self.text("ACL ");
                self.acl(acl);
            }
            Response::ListRights(list) => {
                self.text("LISTRIGHTS ");
                self.list_rights(list);
            }
            Response::MyRights { mailbox, rights } => {
                self.text("MYRIGHTS ");
                self.mailbox(mailbox);
                self.octet(b' ');
                self.rights(*rights);
            }
            Response::Metadata(metadata) => {
                self.text("METADATA ");
                self.metadata(metadata);
            }
            Response::GenUrlAuth(urls) => {
                self.text("GENURLAUTH");
                self.spaced_astrings(urls);
            }
            Response::UrlFetch(urls) => {
                self.text("URLFETCH ");
                self.fetched_urls(urls);
            }
            Response::Language(languages) => {
                self.text("LANGUAGE ");
                self.languages(languages);
            }
            Response::Comparator(comparator) => {
                self.text("COMPARATOR ");
                self.comparator(comparator);
            }
            Response::JmapAccess(url) => {
                self.text("JMAPACCESS ");
                self.string_of(url);
            }
            // All others were written above.
            _ => {}
        }
    }

    fn search_response(&mut self, name: &str, response: &SearchResponse) {
        self.text(name);
        for number in &response.numbers {
            self.octet(b' ');
            self.number(number.get());
        }
        if let Some(mod_seq) = response.mod_seq {
            self.text(" (MODSEQ ");
            self.number(mod_seq);
            self.octet(b')');
        }
    }

    fn numbered(&mut self, number: u32, name: &str) {
        self.number(number);
        self.text(name);
    }
}
