//! Messages on their way to the server, one after the other (RFC 9051 6.3.12, RFC 3502, RFC 4469).
//!
//! They are read while they are sent. What is begun goes on, whoever waits for it; where it cannot, the session ends,
//! so that no half of a message is ever stored.

use std::future::pending;

use bytes::Bytes;
use posthaste_imap::client::AppendWriter;
use posthaste_wire::Misuse;
use tokio::time::{Instant, timeout_at};

use super::call::{Call, Kind};
use super::{Cause, Error, Phase, Task};
use crate::Body;
use crate::client::after;

/// A message, while its octets are being sent.
pub(super) struct Sending {
    writer: AppendWriter,
    body: Body,
    /// A piece for which there is no room yet.
    pub(super) pending: Option<Bytes>,
    /// When the next piece has to be there.
    deadline: Instant,
}

impl Task {
    // Messages on their way to the server

    pub(super) fn begin_upload(&mut self, writer: AppendWriter) {
        let body = match self.calls.get_mut(&writer.id()) {
            Some(Call { kind: Kind::Append(appending), .. }) => appending.bodies.pop_front(),
            _ => None,
        };
        match body {
            Some(body) => {
                let deadline = after(self.shared.idle);
                self.upload = Some(Sending { writer, body, pending: None, deadline });
            }
            None => drop(writer.abort(self.connection.machine())),
        }
    }

    pub(super) fn take_piece(&mut self, piece: std::io::Result<Option<Bytes>>) {
        let Some(mut upload) = self.upload.take() else { return };
        match piece {
            Ok(Some(piece)) => {
                upload.pending = Some(piece);
                self.upload = Some(upload);
            }
            Ok(None) => {
                let remaining = upload.writer.remaining(self.connection.machine_ref());
                if remaining > 0 {
                    self.give_up(upload.writer, &Misuse::TooLittle { remaining }.into());
                    return;
                }
                // From here on the server may have it: all of it, or as many messages as there are.
                match self.calls.get_mut(&upload.writer.id()) {
                    Some(Call { kind: Kind::Append(appending), phase, .. })
                        if appending.bodies.is_empty() =>
                    {
                        *phase = Phase::Change;
                    }
                    _ => {}
                }
                let _ = upload.writer.finish(self.connection.machine());
            }
            Err(error) => {
                let error = self.error_in(Phase::Transfer, Cause::Source(error));
                self.give_up(upload.writer, &error);
            }
        }
    }

    /// Writes the piece that is at hand, when there is room.
    pub(super) fn write(&mut self) {
        let Some(upload) = &mut self.upload else { return };
        let Some(piece) = upload.pending.take() else { return };
        match upload.writer.write(self.connection.machine(), piece.clone()) {
            Ok(()) => upload.deadline = after(self.shared.idle),
            Err(Misuse::Congested { .. }) => upload.pending = Some(piece),
            Err(misuse) => {
                if let Some(upload) = self.upload.take() {
                    self.give_up(upload.writer, &misuse.into());
                }
            }
        }
    }

    /// The server waits for octets that will not come: the session ends, and only this call knows why.
    pub(super) fn give_up(&mut self, writer: AppendWriter, error: &Error) {
        self.fail(writer.id(), error);
        let _ = writer.abort(self.connection.machine());
    }
}

/// The next piece of the message that is being sent, in time.
pub(super) async fn piece(upload: &mut Option<Sending>) -> std::io::Result<Option<Bytes>> {
    let Some(upload) = upload else { return pending().await };
    match timeout_at(upload.deadline, upload.body.next()).await {
        Ok(piece) => piece,
        Err(elapsed) => Err(elapsed.into()),
    }
}
