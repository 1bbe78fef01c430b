//! Whose answer is what the server says (RFC 9051 7): a table of commands and the data they are answered with.
//!
//! Data names no command, mostly; the machine sends no two commands together whose data could not be told apart, and
//! the session adds to that: one command at a time that is answered with rows. What fits no command is news.

use posthaste_imap::client::Event;
use posthaste_imap::types::{
    AString, Command, FetchAttribute, FetchCommand, FetchItem, MetadataData, ResponseCode, SelectParameter,
    Status, StoreEcho,
};

use super::Phase;
use super::pipe::Head;

/// Whether a command is answered with rows.
pub(crate) fn has_rows(command: &Command) -> bool {
    match command {
        Command::Fetch(..) => true,
        // RFC 7162 3.1.3: a conditional one tells the new mod-sequences however silent it is.
        Command::Store(_, store) => store.echo == StoreEcho::Report || store.unchanged_since.is_some(),
        Command::StoreLabels(_, store) => store.echo == StoreEcho::Report,
        Command::Select(_, parameters) | Command::Examine(_, parameters) => {
            parameters.iter().any(|parameter| matches!(parameter, SelectParameter::QResync(_)))
        }
        _ => false,
    }
}

/// Whether a row is news in spite of a FETCH that is in progress: it tells of flags, which were not all that was asked
/// for.
pub(crate) fn is_news(head: &Head, fetch: &FetchCommand) -> bool {
    let tells_flags =
        |item: &FetchItem| matches!(item, FetchItem::Flags(_) | FetchItem::Uid(_) | FetchItem::ModSeq(_));
    let asks_flags = |attribute: &FetchAttribute| {
        matches!(attribute, FetchAttribute::Flags | FetchAttribute::Uid | FetchAttribute::ModSeq)
    };
    head.items.iter().all(tells_flags) && !fetch.attributes.iter().all(asks_flags)
}

/// Whether `event` is part of the answer to `command`, whose tag on the wire `tag` gives.
pub(crate) fn answers<'a>(event: &Event, command: &Command, tag: impl FnOnce() -> Option<&'a [u8]>) -> bool {
    match (event, command) {
        (
            Event::Row(_)
            | Event::UidRow(_)
            | Event::Item(_)
            | Event::Literal { .. }
            | Event::Body(_)
            | Event::LiteralEnd
            | Event::RowEnd
            | Event::RowAborted,
            command,
        ) => has_rows(command),
        (Event::Vanished { earlier: true, .. }, Command::Fetch(..)) => true,
        (
            Event::Vanished { earlier: true, .. }
            | Event::Exists(_)
            | Event::Recent(_)
            | Event::Flags(_)
            | Event::Untagged(_)
            | Event::List(_),
            Command::Select(..) | Command::Examine(..),
        )
        | (Event::Capability(_), Command::Capability)
        | (Event::List(_), Command::List(_))
        | (Event::Lsub(_), Command::Lsub { .. })
        | (Event::XList(_), Command::XList { .. })
        | (Event::Sort(_), Command::Sort(..))
        | (Event::Search(_), Command::Search(..))
        | (Event::Thread(_), Command::Thread(..))
        | (Event::Namespace(_), Command::Namespace)
        | (Event::Id(_), Command::Id(_))
        | (Event::Enabled(_), Command::Enable(_))
        | (Event::Language(_), Command::Language(_))
        | (Event::Comparator(_), Command::Comparator(_))
        | (Event::UrlFetch(_), Command::UrlFetch(_))
        | (Event::GenUrlAuth(_), Command::GenUrlAuth(_))
        | (Event::JmapAccess(_), Command::GetJmapAccess)
        | (Event::Quota { .. }, Command::GetQuotaRoot(_)) => true,
        (Event::Status(of, _), Command::Status(mailbox, _)) => of == mailbox,
        (Event::Status(..) | Event::MyRights { .. } | Event::Metadata(_), Command::List(list)) => {
            !list.returns.is_empty()
        }
        (Event::Status(..), Command::Notify(_)) => true,
        (Event::Esearch(found), _) => found.tag.as_ref().map(AString::as_bytes) == tag(),
        (Event::UidBatches(_), Command::UidBatches(_)) => true,
        // RFC 6851 4.3: before the messages go.
        (Event::Untagged(status), Command::Move(..)) => {
            matches!(status.code, Some(ResponseCode::CopyUid { .. }))
        }
        (Event::Quota { root, .. }, Command::GetQuota(asked) | Command::SetQuota { root: asked, .. }) => {
            root == asked
        }
        (Event::QuotaRoot { mailbox, .. }, Command::GetQuotaRoot(asked))
        | (Event::MyRights { mailbox, .. }, Command::MyRights(asked)) => mailbox == asked,
        (Event::Acl(acl), Command::GetAcl(asked)) => acl.mailbox == *asked,
        (Event::ListRights(rights), Command::ListRights { mailbox, .. }) => rights.mailbox == *mailbox,
        (Event::Metadata(metadata), Command::GetMetadata(asked)) => {
            metadata.mailbox == asked.mailbox && matches!(metadata.data, MetadataData::Values(_))
        }
        _ => false,
    }
}

/// Whether `event` says where a message was put, as REPLACE does before the old one goes (RFC 8508 3).
pub(crate) const fn tells_appended(event: &Event) -> bool {
    matches!(event, Event::Untagged(Status { code: Some(ResponseCode::AppendUid { .. }), .. }))
}

/// How far a call is once its command is on its way: whether doing it twice can do harm.
pub(crate) const fn phase(command: &Command) -> Phase {
    match command {
        Command::Capability
        | Command::Noop
        | Command::Id(_)
        | Command::Enable(_)
        | Command::Namespace
        | Command::List(_)
        | Command::Lsub { .. }
        | Command::XList { .. }
        | Command::Status(..)
        | Command::Select(..)
        | Command::Examine(..)
        | Command::Unselect
        | Command::Check
        | Command::Fetch(..)
        | Command::Search(..)
        | Command::Sort(..)
        | Command::Thread(..)
        | Command::Esearch(_)
        | Command::CancelUpdate(_)
        | Command::UidBatches(_)
        | Command::Idle
        | Command::Notify(_)
        | Command::CompressDeflate
        | Command::GetQuota(_)
        | Command::GetQuotaRoot(_)
        | Command::GetAcl(_)
        | Command::ListRights { .. }
        | Command::MyRights(_)
        | Command::GetMetadata(_)
        | Command::UrlFetch(_)
        | Command::Language(_)
        | Command::Comparator(_)
        | Command::GetJmapAccess => Phase::Query,
        Command::Logout => Phase::Close,
        Command::Login(_) | Command::Authenticate(_) | Command::StartTls | Command::Unauthenticate => {
            Phase::Login
        }
        _ => Phase::Change,
    }
}
