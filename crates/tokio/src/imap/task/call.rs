//! A command on its way, and who waits for its answer.

use posthaste_imap::client::Event;
use posthaste_imap::types::{Command, Status};
use tokio::sync::mpsc;

use super::{Error, Phase};
use crate::Body;
use crate::imap::client::{Answer, Reply, Request, Sink};
use crate::imap::pipe::{End, Writer};

/// A command on its way.
pub(super) struct Call {
    /// `None` for APPEND, which is answered with its status alone.
    pub(super) command: Option<Command>,
    pub(super) phase: Phase,
    pub(super) kind: Kind,
    /// How many octets its data has had.
    pub(super) octets: usize,
}

pub(super) enum Kind {
    Answer(Reply<Answer>, Vec<Event>),
    Rows(Writer),
    Data(mpsc::Sender<Event>, Reply<Status>),
    Append(Option<Body>, Reply<Answer>),
    Resync,
    /// The answer is thrown away.
    Nobody,
}

impl Call {
    pub(super) fn fail(self, error: Error) {
        self.kind.fail(error);
    }
}

impl Kind {
    pub(super) fn fail(self, error: Error) {
        match self {
            Self::Answer(reply, _) | Self::Append(_, reply) => drop(reply.send(Err(error))),
            Self::Rows(writer) => writer.pipe.finish(End::Failed(error)),
            Self::Data(_, reply) => drop(reply.send(Err(error))),
            Self::Resync | Self::Nobody => {}
        }
    }
}

impl Request {
    pub(super) fn fail(self, error: &Error) {
        match self {
            Self::Call { sink: Sink::Answer(reply), .. } | Self::Append { reply, .. } => {
                drop(reply.send(Err(error.clone())));
            }
            Self::Call { sink: Sink::Rows(pipe), .. } => pipe.finish(End::Failed(error.clone())),
            Self::Call { sink: Sink::Data(_, reply), .. } => drop(reply.send(Err(error.clone()))),
            Self::Resync { done, .. } => drop(done.send(Err(error.clone()))),
            // Its reply is in there, and sees that it is gone.
            Self::Look(_) => {}
        }
    }
}
