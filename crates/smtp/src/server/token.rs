//! The tokens of a mail transaction: MAIL, RCPT, DATA and the end of the content.
//!
//! Each has one method for each legal answer, and answering uses the token up, so that no command is answered twice
//! or with a code of the wrong class.

use posthaste_wire::{Answer, Misuse, Ticket};

use super::Server;
use crate::{
    ForwardPath, MailParameters, RcptParameters, Recipient, Rejection, Reply, ReversePath, Text, Transaction,
};

/// Token: MAIL. A message from this sender is to begin.
///
/// It is answered once:
///
/// ```compile_fail,E0382
/// # use posthaste_smtp::server::{Mail, Server};
/// fn twice(mail: Mail, server: &mut Server) {
///     let _ = mail.accept(server);
///     let _ = mail.accept(server);
/// }
/// ```
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct Mail {
    pub(super) ticket: Ticket,
    pub(super) from: ReversePath,
    pub(super) parameters: MailParameters,
}

/// Token: RCPT. A recipient of the message.
///
/// It cannot be refused with a reply that says yes:
///
/// ```compile_fail,E0308
/// # use posthaste_smtp::server::{Rcpt, Server};
/// # use posthaste_smtp::Reply;
/// fn refuse(rcpt: Rcpt, server: &mut Server, reply: Reply) {
///     let _ = rcpt.reject(server, reply);
/// }
/// ```
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct Rcpt {
    pub(super) ticket: Ticket,
    pub(super) to: ForwardPath,
    pub(super) parameters: RcptParameters,
}

/// Token: DATA, or the first BDAT of a message. The content is to follow.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct Data {
    pub(super) ticket: Ticket,
    pub(super) transaction: Transaction,
    pub(super) source: Source,
}

/// How the content comes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// Behind DATA, up to the dot.
    Text,
    /// In chunks, of which this is the first.
    Chunk { length: u64, last: bool },
}

/// Token: the end of the content. To accept is to take responsibility for the message (RFC 5321 4.2.5): it is on
/// disk before.
///
/// It cannot be accepted with a rejection:
///
/// ```compile_fail,E0308
/// # use posthaste_smtp::server::{BodyEnd, Server};
/// # use posthaste_smtp::Rejection;
/// fn accept(end: BodyEnd, server: &mut Server) {
///     let _ = end.accept_with(server, &Rejection::try_later());
/// }
/// ```
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct BodyEnd {
    pub(super) ticket: Ticket,
    pub(super) transaction: Transaction,
    pub(super) size: u64,
    pub(super) has_8bit: bool,
}

impl Mail {
    /// Where errors go.
    pub const fn from(&self) -> &ReversePath {
        &self.from
    }

    /// How many octets the client expects to send, where it says so. Not over the limit: that was refused.
    pub const fn size(&self) -> Option<u64> {
        self.parameters.size
    }

    /// All parameters.
    pub const fn parameters(&self) -> &MailParameters {
        &self.parameters
    }

    /// 250: the transaction is open.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        let Self { ticket, from, parameters } = self;
        if server.redeem(ticket)? == Answer::InTime {
            server.mail_accepted(Transaction::new(&from, &parameters));
        }
        Ok(())
    }

    /// Refuses the sender.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server, rejection: Rejection) -> Result<(), Misuse> {
        server.answer(self.ticket, &rejection.into_reply())
    }
}

impl Rcpt {
    /// Where the message is to go.
    pub const fn to(&self) -> &ForwardPath {
        &self.to
    }

    /// All parameters.
    pub const fn parameters(&self) -> &RcptParameters {
        &self.parameters
    }

    /// 250: the recipient is part of the transaction.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        let Self { ticket, to, parameters } = self;
        if server.redeem(ticket)? == Answer::InTime {
            server.rcpt_accepted(&Recipient { path: to, parameters });
        }
        Ok(())
    }

    /// Refuses the recipient; the transaction stays open. One of class 5 counts against
    /// [`Limits::recipients_refused_max`](crate::Limits::recipients_refused_max).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server, rejection: Rejection) -> Result<(), Misuse> {
        if server.redeem(self.ticket)? == Answer::InTime {
            server.rcpt_rejected(rejection);
        }
        Ok(())
    }
}

impl Data {
    /// What was accepted so far.
    pub const fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// [`Event::Body`](super::Event::Body) follows. DATA is answered with 354; a client that did not wait for it is cut
    /// off instead ([`ProtocolError::UnauthorisedPipelining`](crate::ProtocolError::UnauthorisedPipelining)). BDAT is
    /// answered behind its octets.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        let Self { ticket, transaction, source } = self;
        if server.redeem(ticket)? == Answer::InTime {
            match source {
                Source::Text => server.text_accepted(transaction),
                Source::Chunk { length, last } => server.chunk_accepted(transaction, length, last),
            }
        }
        Ok(())
    }

    /// Refuses the message before its content; the transaction is over. What BDAT brings is read and thrown away.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server, rejection: Rejection) -> Result<(), Misuse> {
        let Self { ticket, transaction, source } = self;
        if server.redeem(ticket)? == Answer::InTime {
            match source {
                Source::Text => server.put(&rejection.into_reply()),
                Source::Chunk { length, last } => {
                    server.chunk_rejected(transaction.recipients().len(), length, last, rejection);
                }
            }
        }
        Ok(())
    }
}

impl BodyEnd {
    /// What was accepted before the content.
    pub const fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// How many octets the content had.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Whether an octet over 127 was among them, declared or not: such a message goes only to hosts that offer
    /// 8BITMIME (RFC 6152 3).
    pub const fn has_8bit(&self) -> bool {
        self.has_8bit
    }

    /// 250: the message is taken; with LMTP, for every recipient.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        let reply = Reply::fixed(250, (2, 0, 0), "OK");
        self.answer_all(server, &reply)
    }

    /// As [`accept`](Self::accept), with words of the application's, such as the name of the message in a queue.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept_with(self, server: &mut Server, text: &Text) -> Result<(), Misuse> {
        let reply = Reply::with_text(250, (2, 0, 0), text);
        self.answer_all(server, &reply)
    }

    /// Refuses the message; with LMTP, for every recipient.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server, rejection: Rejection) -> Result<(), Misuse> {
        self.answer_all(server, &rejection.into_reply())
    }

    /// LMTP: one result for each recipient of [`Transaction::recipients`], in that order (RFC 2033 4.2).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`]. [`Misuse::Argument`] when there is not one result for each recipient: whose
    /// they are cannot be told, so every recipient is answered with 451, and the client tries again.
    /// [`Misuse::NotNow`] when this is not LMTP, where there is one answer for all: it is 451 likewise.
    pub fn finish(
        self,
        server: &mut Server,
        results: impl IntoIterator<Item = Result<(), Rejection>>,
    ) -> Result<(), Misuse> {
        let recipients = self.transaction.recipients().len();
        // One more than asked for is enough to know that there are too many.
        let results: alloc::vec::Vec<_> = results.into_iter().take(recipients.saturating_add(1)).collect();
        let misuse = if !server.is_lmtp() {
            Some(Misuse::NotNow { call: "BodyEnd::finish", state: "outside LMTP" })
        } else if results.len() != recipients {
            Some(Misuse::Argument { argument: "results", problem: "are not one for each recipient" })
        } else {
            None
        };
        if let Some(misuse) = misuse {
            self.reject(server, Rejection::try_later())?;
            return Err(misuse);
        }
        if server.redeem(self.ticket)? == Answer::InTime {
            let accepted = Reply::fixed(250, (2, 1, 5), "Delivered");
            if results.iter().any(Result::is_ok) {
                server.counters.junk = 0;
            }
            for result in results {
                let reply = result.map_or_else(Rejection::into_reply, |()| accepted.clone());
                server.put(&reply);
            }
        }
        Ok(())
    }

    /// One answer for SMTP, one for each recipient for LMTP.
    fn answer_all(self, server: &mut Server, reply: &Reply) -> Result<(), Misuse> {
        if server.redeem(self.ticket)? == Answer::InTime {
            if reply.is_completed() {
                server.counters.junk = 0;
            }
            server.put_end_replies(self.transaction.recipients().len(), reply);
        }
        Ok(())
    }
}
