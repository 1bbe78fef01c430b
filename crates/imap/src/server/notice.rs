//! Untagged status responses that no command asked for: warnings, and what has changed about the selected mailbox as a
//! whole (RFC 9051 7.1; RFC 9208 4.3.1; RFC 7162 3.1.2; RFC 4315 3).
//!
//! Decides which of them are legal in which state, and how each is written. When they leave is decided in `update`.

use alloc::string::String;
use bytes::Bytes;
use posthaste_wire::Misuse;

use super::access::Access;
use super::append::Delivery;
use super::enabled::Feature;
use super::extensions::Switch;
use super::{Phase, Server};
use crate::session::State;
use crate::types::{Condition, PermanentFlags, Response, ResponseCode, Status};

/// Something the client is told in an untagged status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// `OK`: for people, as far as a client shows it.
    Information(String),
    /// `NO`: a warning; the command in progress, where there is one, may succeed all the same (RFC 9051 7.1.2).
    Warning(String),
    /// `OK [ALERT]`: the user has to see it (RFC 9051 7.1).
    Alert(String),
    /// `NO [OVERQUOTA]`: a soft quota is exceeded. Only with a mailbox selected or while APPEND is in progress
    /// (RFC 9208 4.3.1).
    OverQuota,
    /// `OK [READ-ONLY]` or `OK [READ-WRITE]`: the access to the selected mailbox is another now (RFC 9051 7.1), and so
    /// is what the machine refuses. Says nothing where nothing changes: what EXAMINE opened stays read-only.
    Access(Access),
    /// `OK [PERMANENTFLAGS ..]`: the flags of the selected mailbox that can be changed for good (RFC 9051 7.1).
    PermanentFlags(PermanentFlags),
    /// `OK [HIGHESTMODSEQ n]`: all changes of the selected mailbox up to `n` have been told (RFC 7162 6). Left out for a
    /// client that has not enabled CONDSTORE, and where SELECT said NOMODSEQ.
    HighestModSeq(u64),
    /// `NO [UIDNOTSTICKY]`: the UIDs of the selected mailbox do not last (RFC 4315 3). Left out under UIDONLY.
    UidNotSticky,
}

impl Notice {
    /// Whether it is about the selected mailbox, so that its place among what happens there counts.
    pub(super) const fn is_of_selected(&self) -> bool {
        matches!(
            self,
            Self::Access(_) | Self::PermanentFlags(_) | Self::HighestModSeq(_) | Self::UidNotSticky
        )
    }
}

impl Server {
    /// Whether `notice` is legal in the present state.
    pub(super) fn check_notice(&self, notice: &Notice) -> Result<(), Misuse> {
        let state = match notice {
            Notice::OverQuota if self.state != State::Selected && self.delivery == Delivery::None => {
                "OVERQUOTA where no mailbox is selected"
            }
            Notice::HighestModSeq(_) if !self.config.extensions.has(Switch::CondStore) => {
                "HIGHESTMODSEQ without CONDSTORE"
            }
            _ => return Ok(()),
        };
        Err(Misuse::NotNow { call: "update", state })
    }

    pub(super) fn send_notice(&mut self, notice: Notice) {
        let fixed = |condition, code, text: &'static str| Status {
            condition,
            code: Some(code),
            text: Bytes::from_static(text.as_bytes()),
        };
        let free = |condition, code, text: String| Status { condition, code, text: Bytes::from(text) };
        let status = match notice {
            Notice::Information(text) => free(Condition::Ok, None, text),
            Notice::Warning(text) => free(Condition::No, None, text),
            Notice::Alert(text) => free(Condition::Ok, Some(ResponseCode::Alert), text),
            Notice::OverQuota => fixed(Condition::No, ResponseCode::OverQuota, "Soft quota is exceeded"),
            Notice::Access(access) => {
                if !self.opened.change(access) {
                    return;
                }
                fixed(Condition::Ok, self.opened.access().code(), "Access has changed")
            }
            Notice::PermanentFlags(flags) => {
                let code = ResponseCode::PermanentFlags(self.opened.permanent(flags));
                fixed(Condition::Ok, code, "Flags permitted")
            }
            Notice::HighestModSeq(mod_seq) => match self.mod_seq_code(mod_seq) {
                Some(code) => fixed(Condition::Ok, code, "Highest"),
                None => return,
            },
            Notice::UidNotSticky if self.is_enabled(Feature::UidOnly) => return,
            Notice::UidNotSticky => fixed(Condition::No, ResponseCode::UidNotSticky, "UIDs do not last"),
        };
        self.send(&Response::Untagged(status));
    }

    /// HIGHESTMODSEQ of the selected mailbox for a client that has CONDSTORE enabled; none where the mailbox has no
    /// mod-sequences (RFC 7162 3.1.2.2). It is known from now on.
    pub(super) fn mod_seq_code(&mut self, mod_seq: u64) -> Option<ResponseCode> {
        let known = self.highest_mod_seq.as_mut()?;
        *known = mod_seq;
        self.is_enabled(Feature::CondStore).then_some(ResponseCode::HighestModSeq(mod_seq))
    }

    /// Whether the greeting has been sent: nothing may come before it.
    pub(super) const fn has_greeted(&self) -> bool {
        !matches!(self.phase, Phase::Greeting)
    }
}
