//! THREAD, command and response (RFC 5256, section 5).

use super::writer::Writer;
use crate::types::{ThreadCommand, Threads};

impl Writer<'_> {
    pub(super) fn thread_command(&mut self, thread: &ThreadCommand) {
        self.text(thread.algorithm.name());
        self.octet(b' ');
        self.astring(thread.charset.as_bytes());
        self.octet(b' ');
        self.search_keys(&thread.keys);
    }

    /// `[SP 1*thread-list]`
    pub(super) fn threads(&mut self, threads: &Threads) {
        if !threads.is_empty() {
            self.octet(b' ');
            self.display(threads);
        }
    }
}
