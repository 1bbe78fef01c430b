//! Annotations, commands and responses (RFC 5464).

use super::writer::{EncodeContext, Nul, Writer};
use crate::types::{EntryName, GetMetadata, Mailbox, Metadata, MetadataData, MetadataDepth, MetadataEntry};
use bytes::BytesMut;

impl Writer<'_> {
    pub(super) fn get_metadata(&mut self, get: &GetMetadata) {
        if get.max_size.is_some() || get.depth != MetadataDepth::Zero {
            self.octet(b'(');
            if let Some(size) = get.max_size {
                self.text("MAXSIZE ");
                self.number(size);
            }
            if get.depth != MetadataDepth::Zero {
                if get.max_size.is_some() {
                    self.octet(b' ');
                }
                self.text(if get.depth == MetadataDepth::One { "DEPTH 1" } else { "DEPTH infinity" });
            }
            self.text(") ");
        }
        self.mailbox(&get.mailbox);
        self.octet(b' ');
        match get.entries.as_slice() {
            [entry] => self.entry_name(entry),
            entries => self.list(entries, Self::entry_name),
        }
    }

    pub(super) fn metadata_entries(&mut self, entries: &[MetadataEntry]) {
        self.list(entries, |w, entry| {
            w.entry_name(&entry.name);
            w.octet(b' ');
            w.nstring8(entry.value.as_deref());
        });
    }

    pub(super) fn metadata(&mut self, metadata: &Metadata) {
        self.mailbox(&metadata.mailbox);
        self.octet(b' ');
        match &metadata.data {
            MetadataData::Values(entries) => self.metadata_entries(entries),
            MetadataData::Changed(names) => self.separated(names, Self::entry_name),
        }
    }

    pub(super) fn entry_name(&mut self, name: &EntryName) {
        self.astring(name.as_str().as_bytes());
    }
}

/// `* METADATA mailbox (entry ~{n}` with its CRLF; `len` octets have to follow, then `)` and CRLF.
pub fn value_header(
    out: &mut BytesMut,
    mailbox: &Mailbox,
    name: &EntryName,
    len: u64,
    context: EncodeContext,
) {
    let mut writer = Writer::response(out, context);
    writer.text("* METADATA ");
    writer.mailbox(mailbox);
    writer.text(" (");
    writer.entry_name(name);
    writer.octet(b' ');
    writer.literal_header(len, Nul::Possible);
}
