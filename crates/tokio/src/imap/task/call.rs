//! A command on its way, and who waits for its answer.

use std::collections::VecDeque;

use posthaste_imap::client::Event;
use posthaste_imap::types::{Command, Status};
use tokio::sync::mpsc;

use super::{Error, Phase};
use crate::Body;
use crate::imap::client::{Answer, Reply, Request, Sink};
use crate::imap::pipe::{End, Writer};
use crate::imap::task::parts::Parts;

/// A command on its way.
pub(super) struct Call {
    /// `None` for APPEND and REPLACE, which the machine makes.
    pub(super) command: Option<Command>,
    pub(super) phase: Phase,
    pub(super) kind: Kind,
    /// How many octets its data has had.
    pub(super) octets: usize,
    pub(super) parts: Parts,
}

pub(super) enum Kind {
    Answer(Reply<Answer>, Vec<Event>),
    Rows(Writer),
    Data(mpsc::Sender<Event>, Reply<Status>),
    Append(Appending),
    Resync,
    /// The answer is thrown away.
    Nobody,
}

/// Messages on their way.
pub(super) struct Appending {
    /// What was not asked for yet.
    pub(super) bodies: VecDeque<Body>,
    /// Where a message was put, when that is told before the end.
    pub(super) told: Option<Status>,
    pub(super) reply: Reply<Vec<Status>>,
}

impl Call {
    pub(super) const fn new(command: Option<Command>, phase: Phase, kind: Kind) -> Self {
        Self { command, phase, kind, octets: 0, parts: Parts::whole() }
    }

    pub(super) fn fail(self, error: Error) {
        self.kind.fail(error);
    }
}

impl Kind {
    pub(super) fn fail(self, error: Error) {
        match self {
            Self::Answer(reply, _) => drop(reply.send(Err(error))),
            Self::Append(appending) => drop(appending.reply.send(Err(error))),
            Self::Rows(writer) => writer.pipe.finish(End::Failed(error)),
            Self::Data(_, reply) => drop(reply.send(Err(error))),
            Self::Resync | Self::Nobody => {}
        }
    }
}

impl Request {
    pub(super) fn fail(self, error: &Error) {
        match self {
            Self::Call { sink: Sink::Answer(reply) | Sink::Context(_, reply), .. } => {
                drop(reply.send(Err(error.clone())));
            }
            Self::Append { reply, .. } => drop(reply.send(Err(error.clone()))),
            Self::Call { sink: Sink::Rows(pipe), .. } => pipe.finish(End::Failed(error.clone())),
            Self::Call { sink: Sink::Data(_, reply), .. } => drop(reply.send(Err(error.clone()))),
            Self::Resync { done, .. } => drop(done.send(Err(error.clone()))),
            // Its reply is in there, and sees that it is gone.
            Self::Look(_) => {}
        }
    }
}
