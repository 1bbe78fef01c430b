//! Which recipients wait: those of domains that want greylisting (RFC 6647), for mail from other servers.
//!
//! Asked is only on the port for other servers, never of users or a front server (RFC 6647 5, 7), and only for
//! recipients that would be taken: whoever has no mailbox here is refused for good at once. What is for the postmaster
//! never waits: who cannot get through writes there.

use posthaste_smtp::server::Mode;
use posthaste_smtp::{Rejection, ReversePath};

use super::recipients::Taken;
use super::{Session, answer};
use crate::greylist::Verdict;
use crate::metrics;

impl Session {
    /// A recipient that does not have to wait, or the refusal for now.
    pub(super) fn greylist(&self, taken: Taken) -> Result<Taken, Rejection> {
        let (Mode::Mta, None, Some(client)) = (self.mode, &self.account, self.peer) else { return Ok(taken) };
        let picture = self.context.directory.picture();
        let wants = picture.domain(taken.address.domain()).is_some_and(|domain| domain.greylisting);
        let Some(message) = self.message.as_ref().filter(|_| wants && !taken.is_postmaster()) else {
            return Ok(taken);
        };
        let sender = match &message.from {
            ReversePath::Mailbox(mailbox) => mailbox.to_string(),
            ReversePath::Null => String::new(),
        };
        let recipient = picture.canonical(&taken.address).to_string();
        let verdict = self.context.greylist.judge(client, &sender, &recipient);
        metrics::greylisted(verdict);
        if verdict == Verdict::Deferred { Err(answer::greylisted()) } else { Ok(taken) }
    }
}
