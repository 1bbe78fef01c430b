//! What is legal when: the rules of order of RFC 5321 4.1.4, RFC 3207 4 and RFC 4954 4, for a server to enforce.
//! Holds the transaction. Knows no octets, no timers and no tokens.
//!
//! ```text
//!             HELO EHLO LHLO            MAIL accepted            RCPT accepted
//!   Unnamed ─────────────────► Idle ─────────────────► Open(0) ─────────────────► Open(n) ◄─┐ RCPT
//!      ▲                      ▲ ▲ ▲   RSET, hello         │                        │   └─────┘
//!      │ TLS is up            │ │ └───────────────────────┘      RSET, hello       │
//!      └──────────────────────┘ └──────────────────────────────────────────────────┘
//!                                       DATA, whatever comes of it
//! ```

use crate::{Command, Recipient, Transaction};

/// Where a session stands.
#[derive(Debug, Default)]
pub(crate) struct Session {
    named: bool,
    extended: bool,
    authenticated: bool,
    transaction: Option<Transaction>,
}

/// What a session is like, apart from its own course.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// `LHLO` instead of `EHLO`.
    pub(crate) lmtp: bool,
    /// Nothing but a few commands before authentication.
    pub(crate) submission: bool,
    /// STARTTLS can be done now.
    pub(crate) tls: Tls,
    /// AUTH can be done now.
    pub(crate) auth: AuthTerms,
}

/// Whether TLS can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// There is none.
    Absent,
    /// It can.
    Startable,
    /// It is there already.
    Active,
}

/// Whether credentials can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthTerms {
    /// No mechanism is there.
    Absent,
    /// Not on a connection that is not private.
    NeedsTls,
    /// Yes.
    Offered,
}

/// Why a command is not legal now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is of another protocol or was not offered: as if it did not exist.
    Unknown,
    /// 503.
    OutOfSequence,
    /// 530 5.7.0, authentication.
    NeedsAuth,
    /// 530 5.7.0, STARTTLS.
    NeedsTls,
    /// 538 5.7.11 (RFC 4954 6).
    NeedsEncryption,
    /// 502: never here.
    NotImplemented,
    /// No recipient was accepted.
    NoRecipients,
}

impl Session {
    /// Whether `command` is legal now.
    pub(crate) fn permits(&self, command: &Command, terms: Terms) -> Result<(), Refusal> {
        let open = self.transaction.is_some();
        match command {
            // RFC 2033 4.1: HELO and EHLO are not LMTP, LHLO is nothing else.
            Command::Helo(_) | Command::Ehlo(_) if terms.lmtp => Err(Refusal::Unknown),
            Command::Lhlo(_) if !terms.lmtp => Err(Refusal::Unknown),
            Command::Expn { .. }
            | Command::Etrn(_)
            | Command::Xclient(_)
            | Command::Xforward(_)
            | Command::Bdat { .. } => Err(Refusal::NotImplemented),
            Command::StartTls => match terms.tls {
                Tls::Absent => Err(Refusal::NotImplemented),
                Tls::Active => Err(Refusal::OutOfSequence),
                // RFC 3207 4: an extension exists only after EHLO. Credentials taken in the clear would not
                // survive the change.
                Tls::Startable if !self.extended || self.authenticated => Err(Refusal::OutOfSequence),
                Tls::Startable => Ok(()),
            },
            Command::Auth { .. } => match terms.auth {
                AuthTerms::Absent => Err(Refusal::NotImplemented),
                AuthTerms::NeedsTls => Err(Refusal::NeedsEncryption),
                // RFC 4954 4: once, and not inside a transaction.
                AuthTerms::Offered if !self.extended || self.authenticated || open => {
                    Err(Refusal::OutOfSequence)
                }
                AuthTerms::Offered => Ok(()),
            },
            Command::Mail { .. } if !self.named || open => Err(Refusal::OutOfSequence),
            Command::Mail { .. } if terms.submission && !self.authenticated => match terms.auth {
                AuthTerms::NeedsTls => Err(Refusal::NeedsTls),
                AuthTerms::Absent | AuthTerms::Offered => Err(Refusal::NeedsAuth),
            },
            Command::Rcpt { .. } | Command::Data if !open => Err(Refusal::OutOfSequence),
            Command::Data if self.recipients() == 0 => Err(Refusal::NoRecipients),
            _ => Ok(()),
        }
    }

    /// The client has named itself. Whether a transaction was dropped.
    pub(crate) fn hello(&mut self, extended: bool) -> bool {
        self.named = true;
        self.extended = extended;
        self.reset()
    }

    /// The client is authenticated.
    pub(crate) fn authenticate(&mut self) {
        self.authenticated = true;
    }

    /// A transaction is open.
    pub(crate) fn open(&mut self, transaction: Transaction) {
        self.transaction = Some(transaction);
    }

    /// A recipient was accepted.
    pub(crate) fn add(&mut self, recipient: &Recipient) {
        if let Some(transaction) = &mut self.transaction {
            transaction.add(recipient);
        }
    }

    /// How many recipients the open transaction has.
    pub(crate) fn recipients(&self) -> usize {
        self.transaction.as_ref().map_or(0, |transaction| transaction.recipients().len())
    }

    /// Moves the transaction out: the session is free for the next, whatever becomes of this one.
    pub(crate) fn take(&mut self) -> Option<Transaction> {
        self.transaction.take()
    }

    /// Drops the transaction. Whether there was one.
    pub(crate) fn reset(&mut self) -> bool {
        self.transaction.take().is_some()
    }
}
