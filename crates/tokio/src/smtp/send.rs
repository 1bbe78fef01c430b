//! One message over one session: the envelope, the content while it is read, the report, and what is known when there
//! is none.
//!
//! Each part has its time: the envelope and the wait for the last answer that of a call; of the content each piece.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use posthaste_smtp::client::{BodyWriter, Event, Fate, Refusal, Report, TransactionId};
use posthaste_smtp::{Envelope, Step};
use posthaste_wire::Misuse;
use tokio::time::timeout_at;

use super::{Client, Error, SendError};
use crate::Body;
use crate::client::{Cause, Phase};

/// What is to be sent, and how far that got.
pub(crate) struct Outgoing {
    /// Until the server asks for it.
    pub(crate) body: Option<Body>,
    /// The server has accepted a recipient or refused one.
    answered: bool,
}

impl Outgoing {
    pub(crate) const fn new(body: Body) -> Self {
        Self { body: Some(body), answered: false }
    }
}

/// What comes next while a message is written.
enum Piece {
    Octets(Bytes),
    /// The body is complete.
    End,
    /// The server wants no more of it.
    Refused(Report),
}

impl Client {
    /// Sends one message, whose lines end in CR LF, and waits for what becomes of it: the answer for each recipient,
    /// and whether the server has taken the message. A server that offers `CHUNKING` gets it in counted chunks, a few
    /// ahead of their answers (RFC 3030), any other by DATA. A size that the body has is told where the envelope has none.
    ///
    /// A message that the server refuses, and one that it does not offer enough for
    /// ([`Report::unsupported`]), is no error: see [`Report`]. So it is when the server refuses it in the middle of the
    /// content, with 421 as it closes the session (RFC 5321 3.8), say.
    ///
    /// A body that is not fully read is not sent: the server throws away what it has. So it is when the future is
    /// dropped; the session [is over](Self::is_over) then.
    ///
    /// # Errors
    ///
    /// [`SendError`] says for each recipient whether the server may have the message.
    pub async fn send(&mut self, envelope: Envelope, body: impl Into<Body>) -> Result<Report, SendError> {
        self.transfer(envelope, &mut Outgoing::new(body.into())).await
    }

    /// As [`send`](Self::send). A body that the server has not asked for is still there afterwards.
    pub(crate) async fn transfer(
        &mut self,
        mut envelope: Envelope,
        outgoing: &mut Outgoing,
    ) -> Result<Report, SendError> {
        self.session.begin(Phase::Transfer);
        if self.over {
            return Err(SendError::before(self.error(Cause::Closed), envelope));
        }
        if let Err(error) = self.hear().await {
            self.over = true;
            return Err(SendError::before(error, envelope));
        }
        envelope.size = envelope.size.or_else(|| outgoing.body.as_ref().and_then(Body::size));
        let id = match self.machine().send(envelope.clone()) {
            Ok(id) => id,
            Err(Misuse::NotNow { .. }) => {
                self.over = true;
                return Err(SendError::before(self.ending().await, envelope));
            }
            Err(misuse) => return Err(SendError::before(misuse, envelope)),
        };
        // Also for the case that this future is dropped: nothing is said any more in a session that nobody follows.
        self.over = true;
        match self.converse(id, outgoing).await {
            Ok(report) => {
                self.over = false;
                Ok(report)
            }
            Err(error) => {
                let recipients = self.settle(id, &envelope, &error);
                let untouched = !outgoing.answered && outgoing.body.is_some();
                Err(SendError::new(&error, envelope, recipients, untouched))
            }
        }
    }

    /// Takes note of what the server has said since the last call, without waiting: that it has closed the session, with
    /// 421 mostly (RFC 5321 3.8), is not its answer to the next message.
    async fn hear(&mut self) -> Result<(), Error> {
        loop {
            let next = poll_fn(|cx| Poll::Ready(pin!(self.session.connection.next()).poll(cx)));
            match next.await {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(Some(_))) => {}
                Poll::Ready(Ok(None)) => return Err(self.error(Cause::Closed)),
                Poll::Ready(Err(error)) => return Err(self.error(error)),
            }
        }
    }

    /// Why a session that is ending does so.
    async fn ending(&mut self) -> Error {
        loop {
            if let Err(error) = self.event().await {
                return error;
            }
        }
    }

    async fn converse(&mut self, id: TransactionId, outgoing: &mut Outgoing) -> Result<Report, Error> {
        loop {
            match self.event().await? {
                Event::Recipient { id: of, .. } if of == id => outgoing.answered = true,
                Event::Body(writer) => match outgoing.body.take() {
                    Some(body) => {
                        if let Some(report) = self.write(writer, body).await? {
                            return Ok(report);
                        }
                    }
                    // There is one writer for a message, and one message at a time.
                    None => writer.abort(self.machine())?,
                },
                Event::Sent(report) if report.id == id => return Ok(report),
                _ => {}
            }
        }
    }

    /// Sends a body in pieces, each when there is room. An error leaves nothing that a server would take. A report
    /// comes before the end where the server refuses the message in the middle.
    async fn write(&mut self, mut writer: BodyWriter, mut body: Body) -> Result<Option<Report>, Error> {
        self.session.begin_stream(Phase::Transfer);
        let failed = loop {
            let written = match self.piece(writer.id(), &mut body).await {
                Ok(Piece::Octets(piece)) => self.write_piece(&mut writer, &piece).await,
                Ok(Piece::Refused(report)) => return Ok(Some(report)),
                Ok(Piece::End) => {
                    // From here on the server may have taken it.
                    self.session.begin(Phase::Change);
                    return match writer.finish(self.machine()) {
                        Ok(()) => Ok(None),
                        Err(misuse) => Err(self.unfit(misuse)),
                    };
                }
                Err(error) => break error,
            };
            match written {
                Ok(None) => {}
                Ok(report) => return Ok(report),
                Err(error) => break error,
            }
        };
        writer.abort(self.machine())?;
        Err(failed)
    }

    /// The next piece of the body. What was written is sent meanwhile, however slowly the body comes, and what the
    /// server says is heard.
    async fn piece(&mut self, id: TransactionId, body: &mut Body) -> Result<Piece, Error> {
        let limit = self.session.limit();
        let mut next = pin!(timeout_at(limit, body.next()));
        let piece = loop {
            let event = tokio::select! {
                biased;
                piece = &mut next => break piece,
                event = self.session.connection.next() => event,
            };
            match event {
                Ok(Some(Event::Sent(report))) if report.id == id => return Ok(Piece::Refused(report)),
                Ok(Some(_)) => {}
                Ok(None) => return Err(self.error(Cause::Closed)),
                Err(error) => return Err(self.error(error)),
            }
        };
        let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "the body came to a halt"));
        match piece.unwrap_or_else(late) {
            Ok(piece) => Ok(piece.map_or(Piece::End, Piece::Octets)),
            Err(error) => Err(self.error(Cause::Source(error))),
        }
    }

    async fn write_piece(&mut self, writer: &mut BodyWriter, piece: &Bytes) -> Result<Option<Report>, Error> {
        loop {
            let event = match writer.write(self.machine(), piece.clone()) {
                Ok(()) => return Ok(None),
                Err(Misuse::Congested { .. }) => self.session.room_or_event().await?,
                // BDAT: the server is to answer first, and may do so with a no.
                Err(Misuse::Unanswered) => Some(self.event().await?),
                Err(misuse) => {
                    return Err(match writer.fault() {
                        Some(fault) => {
                            let fault = io::Error::new(io::ErrorKind::InvalidData, fault.to_string());
                            self.error(Cause::Source(fault))
                        }
                        None => self.unfit(misuse),
                    });
                }
            };
            match event {
                Some(Event::Sent(report)) if report.id == writer.id() => return Ok(Some(report)),
                _ => {}
            }
        }
    }

    /// The content is not what may be sent.
    fn unfit(&self, misuse: Misuse) -> Error {
        match misuse {
            Misuse::Argument { .. } => {
                self.error(Cause::Source(io::Error::new(io::ErrorKind::InvalidData, misuse.to_string())))
            }
            misuse => misuse.into(),
        }
    }

    /// What is known of a message that has no report. Ends the session, unless the message was taken back in order.
    fn settle(&mut self, id: TransactionId, envelope: &Envelope, error: &Error) -> Vec<Fate> {
        let own_fault = matches!(error.cause(), Cause::Source(_));
        if let Some(report) = self.last_report(id) {
            self.over = !(own_fault && matches!(self.machine().poll_event(), Ok(Step::NeedInput)));
            return report.recipients.into_iter().map(fate).collect();
        }
        let now = self.session.connection.now();
        self.machine().handle_eof(now);
        if let Some(report) = self.last_report(id) {
            return report.recipients.into_iter().map(fate).collect();
        }
        let unfinished = self.machine().take_unfinished();
        match unfinished.into_iter().find(|unfinished| unfinished.id == id) {
            Some(unfinished) => unfinished.recipients,
            None => envelope.recipients.iter().map(|_| Fate::Unknown).collect(),
        }
    }

    /// What the machine has still to tell of a message.
    fn last_report(&mut self, id: TransactionId) -> Option<Report> {
        while let Ok(Step::Event(event)) = self.machine().poll_event() {
            match event {
                Event::Sent(report) if report.id == id => return Some(report),
                _ => {}
            }
        }
        None
    }
}

fn fate(answer: Result<posthaste_smtp::Reply, Refusal>) -> Fate {
    match answer {
        Err(Refusal::Aborted) => Fate::NotTaken,
        answer => Fate::Answered(answer),
    }
}
