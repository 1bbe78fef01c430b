//! When the server is asked for news: whenever somebody listens and nobody asks anything (RFC 2177).

use std::time::Duration;

use super::call::{Call, Kind};
use super::{Phase, Task};
use crate::client::after;

impl Task {
    // News

    /// Waits for news while somebody wants it and nobody wants anything else.
    pub(super) fn settle_idle(&mut self) {
        let busy = !self.calls.is_empty()
            || self.held.is_some()
            || self.catching.is_some()
            || self.upload.is_some()
            || self.closing.is_some();
        let wanted = !busy && *self.idlers.borrow() > 0;
        let machine = self.connection.machine();
        let has_idle = machine.has_capability("IDLE") || machine.has_capability("IMAP4rev2");
        if !wanted {
            self.next_poll = None;
            if self.idle.is_some() {
                // It may be over already.
                let _ = machine.done();
            }
        } else if !has_idle || self.is_idle_refused {
            self.next_poll.get_or_insert_with(|| after(POLL));
        } else if self.idle.is_none() {
            self.idle = machine.idle().ok();
        }
    }

    /// Asks for news where the server does not tell it by itself.
    pub(super) fn poll_news(&mut self) {
        self.next_poll = None;
        if let Ok(id) = self.connection.machine().noop() {
            let call = Call::new(None, Phase::Query, Kind::Nobody);
            self.calls.insert(id, call);
        }
    }
}

/// How often a server without IDLE is asked for news.
const POLL: Duration = Duration::from_secs(60);
