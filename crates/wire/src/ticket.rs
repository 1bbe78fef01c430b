//! Tickets: which connection and which question an answer belongs to.
//!
//! A reply token carries a ticket. The machine compares it with the one question that is open. An answer to a
//! question that a time-out or a cut has closed is late, which is no fault; an answer for another connection is.

use core::sync::atomic::{AtomicUsize, Ordering};

use crate::Misuse;

/// Marks a token as the answer to one question of one connection. Not `Clone`: there is one answer.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a ticket is part of a token, and a token is to be answered"]
pub struct Ticket {
    connection: usize,
    sequence: u64,
}

/// The question a machine has open, if any, and the numbers for the next.
#[derive(Debug)]
pub struct Tickets {
    connection: usize,
    issued: u64,
    open: bool,
}

/// What [`Tickets::redeem`] makes of a ticket of the right connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a late answer is to be ignored"]
pub enum Answer {
    /// The open question is hereby answered.
    InTime,
    /// The question was withdrawn meanwhile; the answer does nothing.
    Late,
}

impl Tickets {
    /// The tickets of a connection that has just been made, with a number of its own.
    ///
    /// The number only tells connections of one process apart; nothing of it reaches the wire.
    pub fn new() -> Self {
        static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
        Self { connection: CONNECTIONS.fetch_add(1, Ordering::Relaxed), issued: 0, open: false }
    }

    /// Opens a question. A question that was open is withdrawn.
    pub fn issue(&mut self) -> Ticket {
        self.issued = self.issued.wrapping_add(1);
        self.open = true;
        Ticket { connection: self.connection, sequence: self.issued }
    }

    /// Whether a question is open.
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// Withdraws the open question: its answer will be late.
    pub fn withdraw(&mut self) {
        self.open = false;
    }

    /// Whether an answer that holds `ticket` would be in time.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the ticket was issued by another machine.
    pub fn check(&self, ticket: &Ticket) -> Result<Answer, Misuse> {
        if ticket.connection != self.connection {
            return Err(Misuse::WrongConnection);
        }
        if self.open && ticket.sequence == self.issued { Ok(Answer::InTime) } else { Ok(Answer::Late) }
    }

    /// Takes an answer: closes the question when the answer is in time.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is used up by its answer")]
    pub fn redeem(&mut self, ticket: Ticket) -> Result<Answer, Misuse> {
        let answer = self.check(&ticket)?;
        if answer == Answer::InTime {
            self.open = false;
        }
        Ok(answer)
    }
}

impl Default for Tickets {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_per_question_and_only_from_the_same_connection() {
        let (mut here, mut there) = (Tickets::new(), Tickets::new());
        let question = here.issue();
        assert!(here.is_open());
        assert_eq!(there.redeem(question), Err(Misuse::WrongConnection));
        let question = here.issue();
        assert_eq!(here.redeem(question), Ok(Answer::InTime));
        assert!(!here.is_open());
    }

    #[test]
    fn an_answer_to_a_withdrawn_question_is_late() {
        let mut tickets = Tickets::new();
        let old = tickets.issue();
        tickets.withdraw();
        let new = tickets.issue();
        assert_eq!(tickets.redeem(old), Ok(Answer::Late));
        assert!(tickets.is_open());
        assert_eq!(tickets.check(&new), Ok(Answer::InTime));
        assert_eq!(tickets.redeem(new), Ok(Answer::InTime));
    }
}
