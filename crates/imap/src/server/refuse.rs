//! One answer for whatever is asked: for all that an application does not do.
//!
//! Each command is refused as its RFC lets it be: NO, or BAD where there is no NO.

use posthaste_wire::Misuse;

use super::{Event, Refusal, Server};

impl Event {
    /// Refuses what is asked: tagged NO with `refusal`, which counts as a failed login where one was tried, but for
    /// UNAVAILABLE. BAD with its text for what knows no NO: NOOP, CLOSE, UNSELECT and the end of IDLE. STARTTLS and
    /// COMPRESS are refused with codes of their own. UNAUTHENTICATE, which nothing may refuse, ends the conversation
    /// (RFC 8437 3). An event that is for information is passed over.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn refuse(self, server: &mut Server, refusal: Refusal) -> Result<(), Misuse> {
        match self {
            Self::StartTls(token) => token.reject(server),
            Self::Auth(auth) => auth.no(server, refusal),
            Self::Compress(token) => token.reject(server),
            Self::Unauthenticate(token) => token.end(server, refusal),
            Self::Noop(asked) => asked.bad(server, refusal.text),
            Self::Close(asked) => asked.bad(server, refusal.text),
            Self::Unselect(asked) => asked.bad(server, refusal.text),
            Self::IdleDone(asked) => asked.bad(server, refusal.text),
            Self::Login(asked) => asked.no(server, refusal),
            Self::Namespace(asked) => asked.no(server, refusal),
            Self::List(asked) => asked.no(server, refusal),
            Self::Lsub(asked) => asked.no(server, refusal),
            Self::Subscribe(asked) => asked.no(server, refusal),
            Self::Unsubscribe(asked) => asked.no(server, refusal),
            Self::Create(asked) => asked.no(server, refusal),
            Self::Delete(asked) => asked.no(server, refusal),
            Self::Rename(asked) => asked.no(server, refusal),
            Self::Status(asked) => asked.no(server, refusal),
            Self::Select(asked) => asked.refuse(server, refusal),
            Self::Append(asked) => asked.refuse(server, refusal),
            Self::AppendMore(asked) => asked.refuse(server, refusal),
            Self::Replace(asked) => asked.no(server, refusal),
            Self::AppendEnd(asked) => asked.no(server, refusal),
            Self::ReplaceEnd(asked) => asked.no(server, refusal),
            Self::Fetch(asked) => asked.no(server, refusal),
            Self::Store(asked) => asked.no(server, refusal),
            Self::Copy(asked) => asked.no(server, refusal),
            Self::Move(asked) => asked.no(server, refusal),
            Self::Expunge(asked) => asked.no(server, refusal),
            Self::Search(asked) => asked.no(server, refusal),
            Self::Sort(asked) => asked.no(server, refusal),
            Self::Thread(asked) => asked.no(server, refusal),
            Self::MultiSearch(asked) => asked.no(server, refusal),
            Self::UidBatches(asked) => asked.no(server, refusal),
            Self::GetQuota(asked) => asked.no(server, refusal),
            Self::GetQuotaRoot(asked) => asked.no(server, refusal),
            Self::SetQuota(asked) => asked.no(server, refusal),
            Self::GetAcl(asked) => asked.no(server, refusal),
            Self::SetAcl(asked) => asked.no(server, refusal),
            Self::DeleteAcl(asked) => asked.no(server, refusal),
            Self::ListRights(asked) => asked.no(server, refusal),
            Self::MyRights(asked) => asked.no(server, refusal),
            Self::GetMetadata(asked) => asked.no(server, refusal),
            Self::SetMetadata(asked) => asked.no(server, refusal),
            Self::Notify(asked) => asked.no(server, refusal),
            Self::Idle(asked) => asked.no(server, refusal),
            Self::AuthCancelled
            | Self::Id(_)
            | Self::Body(_)
            | Self::BodyAborted
            | Self::NotifyOverflow
            | Self::Enabled(_)
            | Self::Resync
            | Self::Logout
            | Self::Violation(_) => Ok(()),
        }
    }
}
