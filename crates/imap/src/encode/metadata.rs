//! Annotations, commands and responses (RFC 5464).

use super::writer::Writer;
use crate::types::{EntryName, GetMetadata, Metadata, MetadataData, MetadataDepth, MetadataEntry};

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
