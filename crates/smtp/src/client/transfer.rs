//! One message on its way: MAIL and RCPT in groups (RFC 2920) where the server offers that, else one by one; then
//! DATA in the same group, or BDAT when it is known for whom (RFC 3030 2); the answers gathered; the report.

use alloc::vec::Vec;

use posthaste_wire::DotEncoder;

use super::chunks::{Chunks, Outgoing};
use super::content::Rules;
use super::machine::Expect;
use super::needs::{Plan, plan};
use super::{BodyWriter, Client, Event, Fate, Mode, Refusal, Report, Stage, TransactionId, Unfinished};
use crate::{BodyType, Command, Envelope, Keyword, ProtocolError, Recipient, Rejection, Reply, ReplyClass};

/// A message between its first command and its report.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) id: TransactionId,
    envelope: Envelope,
    plan: Plan,
    next: Next,
    recipients: Vec<Slot>,
    /// Why there will be no content, and the answer that says so.
    refused: Option<(Stage, Rejection)>,
    /// The end of the content was queued.
    pub(super) is_whole: bool,
}

/// What is known of a recipient.
#[derive(Debug)]
enum Slot {
    /// Nothing.
    Open,
    /// RCPT was accepted.
    Accepted,
    /// What the report will say.
    Final(Result<Reply, Refusal>),
}

/// The next command of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Mail,
    Rcpt(usize),
    Content,
    /// DATA was sent, or a writer is out, or neither is to be.
    Nothing,
}

impl Transfer {
    /// The recipients that the server has accepted, by index, in order.
    pub(super) fn accepted(&self) -> impl Iterator<Item = usize> {
        let slots = self.recipients.iter().enumerate();
        slots.filter(|(_, slot)| matches!(slot, Slot::Accepted)).map(|(index, _)| index)
    }

    /// The next command of the group, while it holds one.
    fn next_command(&mut self) -> Option<(Command, Expect)> {
        match self.next {
            Next::Mail => {
                self.next = self.recipient_from(0);
                let parameters = self.plan.mail.clone();
                Some((Command::Mail { from: self.envelope.from.clone(), parameters }, Expect::Mail))
            }
            Next::Rcpt(index) => {
                let Recipient { path, parameters } = self.envelope.recipients.get(index)?;
                let (to, parameters) = (path.clone(), self.plan.rcpt(parameters));
                self.next = self.recipient_from(index.saturating_add(1));
                Some((Command::Rcpt { to, parameters }, Expect::Rcpt(index)))
            }
            Next::Content if !self.plan.chunked => {
                self.next = Next::Nothing;
                Some((Command::Data, Expect::Data))
            }
            Next::Content | Next::Nothing => None,
        }
    }

    /// The first recipient from `index` on that the server is asked for.
    fn recipient_from(&self, index: usize) -> Next {
        let mut open = self.recipients.iter().enumerate().skip(index);
        let open = open.find(|(_, slot)| matches!(slot, Slot::Open));
        open.map_or(Next::Content, |(index, _)| Next::Rcpt(index))
    }

    /// Whether there is a command to send, or a writer to hand out.
    pub(super) fn is_waiting(&self) -> bool {
        self.next != Next::Nothing || self.refused.is_some()
    }

    fn rules(&self, client: &Client) -> Rules {
        Rules {
            binary: self.envelope.body == BodyType::BinaryMime,
            // RFC 6531 3.6: header fields in UTF-8 need no declaration of their own.
            eight_bit: self.envelope.body != BodyType::SevenBit || self.plan.mail.smtp_utf8,
            policy: client.config.content,
            line_max: client.config.limits.text_line_max,
        }
    }

    /// The message is decided: `rest` counts for all recipients that were accepted or not asked for.
    fn into_report(self, stage: Stage, rest: &Refusal, reply: Option<Reply>) -> Report {
        let recipients = self.recipients.into_iter().map(|slot| match slot {
            // Behind a refused MAIL, what was said to RCPT is only that.
            Slot::Final(Err(Refusal::Server(_))) if stage == Stage::Mail => Err(rest.clone()),
            Slot::Final(result) => result,
            Slot::Open | Slot::Accepted => Err(rest.clone()),
        });
        Report { id: self.id, stage, recipients: recipients.collect(), reply, left_out: self.plan.left_out }
    }

    fn into_unfinished(self) -> Unfinished {
        let whole = self.is_whole;
        let recipients = self.recipients.into_iter().map(|slot| match slot {
            Slot::Final(result) => Fate::Answered(result),
            Slot::Accepted if whole => Fate::Unknown,
            Slot::Open | Slot::Accepted => Fate::NotTaken,
        });
        Unfinished { id: self.id, recipients: recipients.collect(), envelope: self.envelope }
    }
}

impl Client {
    pub(super) fn begin_transfer(&mut self, id: TransactionId, envelope: Envelope) {
        let session = (self.security, self.authenticated);
        let plan = match plan(&envelope, &self.config, &self.capabilities, session, &mut self.quota) {
            Ok(plan) => plan,
            Err(reason) => {
                let recipients = envelope.recipients.iter().map(|_| Err(reason.clone().into())).collect();
                let (stage, reply, left_out) = (Stage::Capabilities, None, Vec::new());
                self.events.push_back(Event::Sent(Report { id, stage, recipients, reply, left_out }));
                return;
            }
        };
        let slots = plan.refused.iter().map(|refused| match refused {
            Some(reason) => Slot::Final(Err(reason.clone().into())),
            None => Slot::Open,
        });
        let recipients = slots.collect();
        let next = Next::Mail;
        let transfer = Transfer { id, envelope, plan, next, recipients, refused: None, is_whole: false };
        if transfer.recipient_from(0) == Next::Content {
            let report = transfer.into_report(Stage::Capabilities, &Refusal::Aborted, None);
            self.events.push_back(Event::Sent(report));
            return;
        }
        self.quota.count_mail();
        self.continue_transfer(transfer);
    }

    /// All replies so far are in: sends the next group, or hands a writer out, or ends the message without content.
    pub(super) fn continue_transfer(&mut self, mut transfer: Transfer) {
        if transfer.next == Next::Content && transfer.refused.is_none() {
            transfer.refused = all_refused(&transfer);
        }
        if let Some((stage, rejection)) = transfer.refused.take() {
            // A transaction is open at the server, and the next message is to find none.
            self.reset_is_due = stage != Stage::Mail;
            self.report(transfer, stage, rejection);
            return;
        }
        if transfer.next == Next::Content && transfer.plan.chunked {
            transfer.next = Next::Nothing;
            self.outgoing = Some(Outgoing::Chunks(Chunks::default()));
            self.hand_out_writer(transfer);
            return;
        }
        let group = if self.capabilities.has(Keyword::Pipelining) { GROUP_MAX } else { 1 };
        for _ in 0..group {
            let Some((command, expect)) = transfer.next_command() else { break };
            self.command(&command, expect);
        }
        self.transfer = Some(transfer);
    }

    fn hand_out_writer(&mut self, transfer: Transfer) {
        let ticket = self.issue();
        let writer = BodyWriter::new(ticket, transfer.id, transfer.rules(self));
        self.transfer = Some(transfer);
        self.events.push_back(Event::Body(writer));
    }

    fn report(&mut self, transfer: Transfer, stage: Stage, rejection: Rejection) {
        let reply = Some(rejection.reply().clone());
        let report = transfer.into_report(stage, &rejection.into(), reply);
        self.events.push_back(Event::Sent(report));
    }

    pub(super) fn mail_answered(&mut self, reply: Reply) {
        let Some(transfer) = &mut self.transfer else { return };
        if reply.is_completed() {
            return;
        }
        match Rejection::try_from(reply.clone()) {
            Ok(rejection) => transfer.refused = Some((Stage::Mail, compact(&rejection))),
            Err(_) => self.fail(ProtocolError::UnexpectedReply(reply)),
        }
    }

    pub(super) fn rcpt_answered(&mut self, index: usize, reply: Reply) {
        let Some(transfer) = &mut self.transfer else { return };
        let result = match Rejection::try_from(reply.clone()) {
            Ok(rejection) => Err(rejection),
            Err(_) if reply.is_completed() => Ok(reply),
            Err(_) => {
                self.fail(ProtocolError::UnexpectedReply(reply));
                return;
            }
        };
        if let Some(slot) = transfer.recipients.get_mut(index) {
            *slot = match &result {
                Ok(_) => Slot::Accepted,
                // Kept until the report: not with all of the read that it came in.
                Err(rejection) => Slot::Final(Err(compact(rejection).into())),
            };
        }
        // After a refused MAIL this only says that MAIL was refused.
        if transfer.refused.is_none() {
            self.events.push_back(Event::Recipient { id: transfer.id, index, result });
        }
    }

    pub(super) fn data_answered(&mut self, reply: Reply) {
        let Some(mut transfer) = self.transfer.take() else { return };
        if transfer.refused.is_none() {
            transfer.refused = all_refused(&transfer);
        }
        let refused = transfer.refused.is_some();
        if reply.class() == ReplyClass::Intermediate && !refused {
            self.outgoing = Some(Outgoing::Dots(DotEncoder::new()));
            self.hand_out_writer(transfer);
            return;
        }
        if let Ok(rejection) = Rejection::try_from(reply.clone()) {
            transfer.refused.get_or_insert((Stage::Data, rejection));
        }
        self.transfer = Some(transfer);
        if reply.class() == ReplyClass::Intermediate && self.config.mode == Mode::Smtp {
            // RFC 2920 3.1: content is asked for that nobody will get. With LMTP nobody would answer (RFC 2033 4.2).
            self.send.put(b".\r\n");
            self.expected.push_back(Expect::LoneDot);
            self.arm();
        } else if !reply.is_rejection() {
            self.fail(ProtocolError::UnexpectedReply(reply));
        }
    }

    /// The answer to a chunk that was not the last.
    pub(super) fn chunk_answered(&mut self, reply: Reply) {
        if reply.is_completed() {
            self.chunk_taken();
            return;
        }
        let Ok(rejection) = Rejection::try_from(reply.clone()) else {
            self.fail(ProtocolError::UnexpectedReply(reply));
            return;
        };
        // RFC 3030 2: the transaction has failed, whatever is said about chunks that are on their way.
        if let Some(transfer) = self.drop_content() {
            self.report(transfer, Stage::Content, rejection);
        }
    }

    /// An answer that came before the end of the content. It can be no yes, since the server does not have the message.
    /// Whether it takes what follows for content or for commands is not known: the session ends without a word.
    pub(super) fn content_interrupted(&mut self, reply: Reply) {
        let Ok(rejection) = Rejection::try_from(reply.clone()) else {
            self.fail(ProtocolError::UnexpectedReply(reply));
            return;
        };
        if let Some(transfer) = self.drop_content() {
            self.report(transfer, Stage::Content, rejection);
        }
        self.send.clear();
        self.close();
    }

    /// Gives the message up before its end.
    pub(super) fn abort_message(&mut self) {
        if let Some(transfer) = self.drop_content() {
            let report = transfer.into_report(Stage::Content, &Refusal::Aborted, None);
            self.events.push_back(Event::Sent(report));
        }
    }

    /// Sends no more of the present content, and RSET when what was sent is answered.
    fn drop_content(&mut self) -> Option<Transfer> {
        self.tickets.withdraw();
        self.outgoing = None;
        for expect in &mut self.expected {
            *expect = Expect::Nothing;
        }
        self.reset_is_due = true;
        self.transfer.take()
    }

    pub(super) fn end_answered(&mut self, index: Option<usize>, reply: Reply) {
        let Some(mut transfer) = self.transfer.take() else { return };
        if reply.class() == ReplyClass::Intermediate {
            self.transfer = Some(transfer);
            self.fail(ProtocolError::UnexpectedReply(reply));
            return;
        }
        // The end of the message is still here. A no to a chunk may come before its last octet; the rest follows.
        let no_to_chunk = transfer.plan.chunked && reply.is_rejection();
        if !(self.send.is_empty() || no_to_chunk) {
            self.transfer = Some(transfer);
            self.content_interrupted(reply);
            return;
        }
        let reply = reply.compact();
        let result =
            Rejection::try_from(reply.clone()).map_or_else(|_| Ok(reply.clone()), |no| Err(no.into()));
        for (at, slot) in transfer.recipients.iter_mut().enumerate() {
            if matches!(slot, Slot::Accepted) && index.is_none_or(|index| index == at) {
                *slot = Slot::Final(result.clone());
            }
        }
        // RFC 2033 5: told as it comes in. What is said for all at once, the report says.
        if let Some(index) = index {
            self.events.push_back(Event::Delivered { id: transfer.id, index, result });
        }
        if transfer.accepted().next().is_some() {
            self.transfer = Some(transfer);
            return;
        }
        let taken = transfer.recipients.iter().any(|slot| matches!(slot, Slot::Final(Ok(_))));
        // RFC 3030 2: behind a chunk that failed the state of the server is not known.
        self.reset_is_due = transfer.plan.chunked && !taken;
        self.events.push_back(Event::Sent(transfer.into_report(Stage::End, &Refusal::Aborted, Some(reply))));
    }

    /// The server closes the session with its answer to `expect`: that decides the message under way, but for the
    /// recipients of LMTP whose answers were still to come.
    pub(super) fn closing(&mut self, expect: Option<Expect>, reply: Reply) {
        if self.outgoing.is_some() {
            // The rest of the content is not wanted.
            self.send.clear();
        }
        if let (Some(Expect::End(_)), Some(_)) = (expect, &self.transfer) {
            let Some(Expect::End(index)) = expect else { return };
            self.end_answered(index, reply.clone());
        } else if let Some(transfer) = self.transfer.take() {
            let stage = match expect {
                Some(Expect::Mail) => Stage::Mail,
                Some(Expect::Rcpt(_)) => Stage::Recipients,
                Some(Expect::Data) => Stage::Data,
                _ if transfer.next == Next::Nothing => Stage::Content,
                _ => Stage::Recipients,
            };
            match Rejection::try_from(reply.clone()) {
                Ok(rejection) if transfer.refused.is_none() => self.report(transfer, stage, rejection),
                _ => self.transfer = Some(transfer),
            }
        } else if self.phase == super::machine::Phase::Ready && !matches!(expect, Some(Expect::Auth)) {
            self.fail(ProtocolError::Stale(Some(reply)));
            return;
        }
        self.fail(ProtocolError::ServiceClosing(reply));
    }

    /// The session is over: the message under way is reported where its fate is known, and kept otherwise. Whether
    /// it is whole at the other side of the connection, perhaps, with no answer.
    pub(super) fn settle(&mut self) -> bool {
        self.outgoing = None;
        let Some(mut transfer) = self.transfer.take() else { return false };
        if let Some((stage, rejection)) = transfer.refused.take() {
            self.report(transfer, stage, rejection);
            return false;
        }
        if transfer.is_whole && !self.send.is_empty() {
            // The end of the message is still here, and here it stays.
            self.send.clear();
            transfer.is_whole = false;
        }
        let unknown = transfer.is_whole;
        self.transfer = Some(transfer);
        unknown
    }

    /// The message that was under way when the session ended.
    pub(super) fn take_transfer(&mut self) -> Option<Unfinished> {
        self.transfer.take().map(Transfer::into_unfinished)
    }
}

/// The decision that lies in no recipient having been accepted.
fn all_refused(transfer: &Transfer) -> Option<(Stage, Rejection)> {
    if transfer.accepted().next().is_some() {
        return None;
    }
    let last = transfer.recipients.iter().rev().find_map(|slot| match slot {
        Slot::Final(Err(Refusal::Server(rejection))) => Some(rejection.clone()),
        _ => None,
    });
    Some((Stage::Recipients, last.unwrap_or_else(Rejection::try_later)))
}

fn compact(rejection: &Rejection) -> Rejection {
    Rejection::try_from(rejection.reply().compact()).unwrap_or_else(|_| Rejection::try_later())
}

/// The most commands in one group: the replies to so many fit any window, so that a server that stops reading
/// until its replies are read cannot stand still together with a client that does the same (RFC 2920 3.1).
const GROUP_MAX: usize = 50;
