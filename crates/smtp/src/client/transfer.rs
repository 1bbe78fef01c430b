//! One message on its way: MAIL, RCPT and DATA in groups (RFC 2920) where the server offers that, else one by
//! one; the answers gathered; the report.

use alloc::vec;
use alloc::vec::Vec;

use posthaste_wire::{DotEncoder, TextCheck};

use super::machine::Expect;
use super::{BodyWriter, Client, Event, Report, Stage, TransactionId};
use crate::{
    BodyType, Capability, Command, Envelope, MailParameters, ProtocolError, Recipient, Rejection, Reply,
    ReplyClass,
};

/// A message between its first command and its report.
#[derive(Debug)]
pub(super) struct Transfer {
    id: TransactionId,
    envelope: Envelope,
    next: Next,
    /// The answer to each RCPT, then to the message, as far as there is one.
    results: Vec<Option<Result<Reply, Rejection>>>,
    /// Why there will be no content, and the answer that says so.
    refused: Option<(Stage, Rejection)>,
}

/// The next command of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Mail,
    Rcpt(usize),
    Data,
    /// DATA was sent, or is not to be.
    Nothing,
}

impl Transfer {
    /// The recipients that the server has accepted, by index, in order.
    pub(super) fn accepted(&self) -> impl Iterator<Item = usize> {
        let results = self.results.iter().enumerate();
        results.filter(|(_, result)| matches!(result, Some(Ok(_)))).map(|(index, _)| index)
    }

    fn next_command(&mut self, size: bool) -> Option<(Command, Expect)> {
        match self.next {
            Next::Mail => {
                self.next = Next::Rcpt(0);
                let size = self.envelope.size.filter(|_| size);
                let body = Some(self.envelope.body).filter(|body| *body == BodyType::EightBitMime);
                let parameters = MailParameters { size, body, ..MailParameters::default() };
                Some((Command::Mail { from: self.envelope.from.clone(), parameters }, Expect::Mail))
            }
            Next::Rcpt(index) => {
                let Recipient { path: to, parameters } = self.envelope.recipients.get(index)?.clone();
                let following = index.saturating_add(1);
                let more = following < self.envelope.recipients.len();
                self.next = if more { Next::Rcpt(following) } else { Next::Data };
                Some((Command::Rcpt { to, parameters }, Expect::Rcpt(index)))
            }
            Next::Data => {
                self.next = Next::Nothing;
                Some((Command::Data, Expect::Data))
            }
            Next::Nothing => None,
        }
    }

    /// The message is decided: `refused` counts for all recipients that were accepted before.
    fn into_report(self, stage: Stage, reply: Reply) -> Report {
        let recipients =
            self.results.into_iter().map(|result| match (result, Rejection::try_from(reply.clone())) {
                // Behind a refused MAIL, what was said to RCPT is only that.
                (Some(Err(rejection)), _) if stage != Stage::Mail => Err(rejection),
                (_, Ok(rejection)) | (Some(Err(rejection)), Err(_)) => Err(rejection),
                (Some(Ok(reply)), Err(_)) => Ok(reply),
                (None, Err(_)) => Err(Rejection::try_later()),
            });
        Report { id: self.id, stage, recipients: recipients.collect(), reply }
    }
}

impl Client {
    pub(super) fn begin_transfer(&mut self, id: TransactionId, envelope: Envelope) {
        let results = vec![None; envelope.recipients.len()];
        let transfer = Transfer { id, envelope, next: Next::Mail, results, refused: None };
        let eight_bit = transfer.envelope.body == BodyType::EightBitMime;
        if eight_bit && !self.capabilities.has(&Capability::EightBitMime) {
            // RFC 6152 3: it may not be sent as it is.
            let reply =
                Rejection::fixed(554, (5, 6, 3), "Conversion required but not supported").into_reply();
            self.events.push_back(Event::Sent(transfer.into_report(Stage::Capabilities, reply)));
            return;
        }
        self.continue_transfer(transfer);
    }

    /// All replies so far are in: sends the next group, or ends the message without content.
    pub(super) fn continue_transfer(&mut self, mut transfer: Transfer) {
        if transfer.next == Next::Data && transfer.refused.is_none() {
            transfer.refused = all_refused(&transfer);
        }
        if let Some((stage, rejection)) = transfer.refused.take() {
            if stage != Stage::Mail {
                // A transaction is open at the server, and the next message is to find none.
                self.command(&Command::Rset, Expect::Rset);
            }
            self.events.push_back(Event::Sent(transfer.into_report(stage, rejection.into_reply())));
            return;
        }
        let size = self.capabilities.size().is_some();
        let group = if self.capabilities.has(&Capability::Pipelining) { GROUP_MAX } else { 1 };
        for _ in 0..group {
            let Some((command, expect)) = transfer.next_command(size) else { break };
            self.command(&command, expect);
        }
        self.transfer = Some(transfer);
    }

    pub(super) fn mail_answered(&mut self, reply: &Reply) {
        let Some(transfer) = &mut self.transfer else { return };
        if let Ok(rejection) = Rejection::try_from(reply.clone()) {
            transfer.refused = Some((Stage::Mail, rejection));
        } else if !reply.is_completed() {
            self.fail(ProtocolError::MalformedReply);
        }
    }

    pub(super) fn rcpt_answered(&mut self, index: usize, reply: Reply) {
        let Some(transfer) = &mut self.transfer else { return };
        let result = if reply.is_completed() {
            Ok(reply)
        } else if let Ok(rejection) = Rejection::try_from(reply) {
            Err(rejection)
        } else {
            self.fail(ProtocolError::MalformedReply);
            return;
        };
        if let Some(slot) = transfer.results.get_mut(index) {
            *slot = Some(result.clone());
        }
        // After a refused MAIL this only says that MAIL was refused.
        if transfer.refused.is_none() {
            self.events.push_back(Event::Recipient { id: transfer.id, index, result });
        }
    }

    pub(super) fn data_answered(&mut self, reply: Reply) {
        let Some(transfer) = &mut self.transfer else { return };
        if transfer.refused.is_none() {
            transfer.refused = all_refused(transfer);
        }
        if reply.class() == ReplyClass::Intermediate {
            if transfer.refused.is_some() {
                // RFC 2920 3.1: content is asked for that nobody will get.
                self.send.put(b".\r\n");
                self.expected.push_back(Expect::LoneDot);
                self.arm();
                return;
            }
            let id = transfer.id;
            let ticket = self.issue();
            let (encoder, check) = (DotEncoder::new(), TextCheck::new());
            self.events.push_back(Event::Body(BodyWriter { ticket, id, encoder, check }));
        } else if let Ok(rejection) = Rejection::try_from(reply) {
            transfer.refused.get_or_insert((Stage::Data, rejection));
        } else {
            self.fail(ProtocolError::MalformedReply);
        }
    }

    pub(super) fn end_answered(&mut self, index: Option<usize>, reply: Reply) {
        let Some(mut transfer) = self.transfer.take() else { return };
        if reply.class() == ReplyClass::Intermediate {
            self.fail(ProtocolError::MalformedReply);
            return;
        }
        let result = Rejection::try_from(reply.clone()).map_or_else(|_| Ok(reply.clone()), Err);
        for (at, slot) in transfer.results.iter_mut().enumerate() {
            if matches!(slot, Some(Ok(_))) && index.is_none_or(|index| index == at) {
                *slot = Some(result.clone());
            }
        }
        if self.expected.iter().any(|expect| matches!(expect, Expect::End(_))) {
            self.transfer = Some(transfer);
            return;
        }
        // The last reply is one of several with LMTP: it decides nothing for the others.
        let recipients = core::mem::take(&mut transfer.results).into_iter();
        let recipients =
            recipients.map(|result| result.unwrap_or_else(|| Err(Rejection::try_later()))).collect();
        self.events.push_back(Event::Sent(Report { id: transfer.id, stage: Stage::End, recipients, reply }));
    }
}

/// The decision that lies in no recipient having been accepted.
fn all_refused(transfer: &Transfer) -> Option<(Stage, Rejection)> {
    if transfer.accepted().next().is_some() {
        return None;
    }
    let last = transfer.results.iter().rev().find_map(|result| result.clone()?.err());
    Some((Stage::Recipients, last.unwrap_or_else(Rejection::try_later)))
}

/// The most commands in one group: the replies to so many fit any window, so that a server that stops reading
/// until its replies are read cannot stand still together with a client that does the same (RFC 2920 3.1).
const GROUP_MAX: usize = 50;
