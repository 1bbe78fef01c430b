//! The response to NAMESPACE (RFC 9051, section 7.3.5).

use super::writer::Writer;
use crate::types::{Namespace, Namespaces, mutf7};

impl Writer<'_> {
    pub(super) fn namespaces(&mut self, namespaces: &Namespaces) {
        let kinds = [&namespaces.personal, &namespaces.other_users, &namespaces.shared];
        self.separated(kinds, |w, kind| w.namespace(kind));
    }

    fn namespace(&mut self, namespaces: &[Namespace]) {
        if namespaces.is_empty() {
            return self.text("NIL");
        }
        self.octet(b'(');
        for namespace in namespaces {
            self.octet(b'(');
            match namespace.prefix.raw() {
                Some(raw) => self.string(raw),
                None if self.context.utf8 => self.string(namespace.prefix.as_str().as_bytes()),
                None => self.string(mutf7::encode(namespace.prefix.as_str()).as_bytes()),
            }
            self.octet(b' ');
            self.delimiter(namespace.delimiter);
            if let Some(translation) = &namespace.translation {
                self.text(" \"TRANSLATION\" (");
                self.string_of(translation);
                self.octet(b')');
            }
            self.octet(b')');
        }
        self.octet(b')');
    }
}
