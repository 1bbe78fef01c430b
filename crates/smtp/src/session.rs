//! What is legal when: the rules of order of RFC 5321 4.1.4, RFC 3030 2, RFC 3207 4 and RFC 4954 4, for a server to
//! enforce. Holds the transaction until its content begins. Knows no octets, no timers and no tokens.
//!
//! ```text
//!                 a hello                MAIL accepted              RCPT accepted
//!   Idle(unnamed) ────────► Idle(named) ───────────────► Open(0) ─────────────────► Open(n) ──┐ RCPT accepted
//!                            ▲                            │  │                       │ │ ▲────┘
//!                            ├──── RSET, hello, bad BDAT ─┴──┼───────────────────────┘ │
//!                            │                               │           BDAT accepted │
//!                            ├──── DATA, BDAT LAST: whatever comes of it ──────────────┤
//!                            │                                                         ▼
//!                            └──── RSET, hello, bad BDAT, BDAT LAST ─────────────── Chunks ──┐ BDAT
//!                                                                                      ▲─────┘
//!   any ── TLS is up, or XCLIENT was believed ──► Idle(unnamed)
//! ```
//!
//! A BDAT is bad when its length is no number, or more than the limit leaves. A command that is refused for its place
//! changes nothing. STARTTLS is legal in `Idle` and `Open`; AUTH, XCLIENT and XFORWARD in `Idle`; NOOP, HELP, VRFY, EXPN
//! and ETRN anywhere, without a change; QUIT anywhere.

use crate::{BodyType, Command, Recipient, Transaction};

/// Where a session stands.
#[derive(Debug, Default)]
pub(crate) struct Session {
    named: bool,
    extended: bool,
    authenticated: bool,
    stage: Stage,
    excuse: Option<Excuse>,
}

/// Where a session stands within a transaction.
#[derive(Debug, Default)]
#[expect(clippy::large_enum_variant, reason = "there is one of it, and it is moved once a message")]
enum Stage {
    /// There is none.
    #[default]
    Idle,
    /// MAIL was accepted, and so many recipients behind it.
    Open(Transaction),
    /// A chunk that was not the last has been accepted: the transaction has moved on to the content.
    Chunks,
}

/// What a client sent in one group behind a command that was refused is no fault of it (RFC 2920 3.1, RFC 3030 2).
#[derive(Clone, Copy, Debug)]
struct Excuse {
    /// How many recipients the failed transaction had: LMTP answers BDAT LAST so many times (RFC 2033 4.3).
    recipients: usize,
    /// How many commands are still excused.
    budget: usize,
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
    /// BDAT is there.
    pub(crate) chunking: bool,
    /// EXPN is there.
    pub(crate) expn: bool,
    /// ETRN is there.
    pub(crate) etrn: bool,
    /// The peer may use XCLIENT.
    pub(crate) xclient: bool,
    /// The peer may use XFORWARD.
    pub(crate) xforward: bool,
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
    /// 550 5.7.0: not for this peer.
    NotTrusted,
    /// No recipient was accepted.
    NoRecipients,
}

/// What was dropped when a session went back to `Idle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// Nothing.
    Nothing,
    /// A transaction without content.
    Transaction,
    /// A transaction whose content had begun to come in.
    Content,
}

impl Session {
    /// Whether `command` is legal now.
    pub(crate) fn permits(&self, command: &Command, terms: Terms) -> Result<(), Refusal> {
        let idle = matches!(self.stage, Stage::Idle);
        match command {
            // RFC 2033 4.1: HELO and EHLO are not LMTP, LHLO is nothing else.
            Command::Helo(_) | Command::Ehlo(_) if terms.lmtp => Err(Refusal::Unknown),
            Command::Lhlo(_) if !terms.lmtp => Err(Refusal::Unknown),
            Command::StartTls => self.permits_tls(terms),
            Command::Auth { .. } => self.permits_auth(terms),
            Command::Mail { .. } if !self.named || !idle => Err(Refusal::OutOfSequence),
            Command::Mail { .. } => self.permits_use(terms),
            Command::Rcpt { .. } if !self.is_open() => Err(Refusal::OutOfSequence),
            Command::Data => self.permits_data(),
            Command::Bdat { .. } if !terms.chunking => Err(Refusal::NotImplemented),
            Command::Bdat { .. } if idle => Err(Refusal::OutOfSequence),
            Command::Bdat { .. } if self.is_open() && self.recipients() == 0 => Err(Refusal::NoRecipients),
            Command::Expn { .. } if !terms.expn => Err(Refusal::NotImplemented),
            Command::Etrn(_) if !terms.etrn => Err(Refusal::NotImplemented),
            Command::Etrn(_) if !self.named => Err(Refusal::OutOfSequence),
            // Whom this host knows, and what it holds for whom, is for those who may send.
            Command::Expn { .. } | Command::Etrn(_) => self.permits_use(terms),
            Command::Xclient(_) if !terms.xclient => Err(Refusal::NotTrusted),
            Command::Xforward(_) if !terms.xforward => Err(Refusal::NotTrusted),
            Command::Xclient(_) | Command::Xforward(_) if !idle => Err(Refusal::OutOfSequence),
            _ => Ok(()),
        }
    }

    fn permits_tls(&self, terms: Terms) -> Result<(), Refusal> {
        match terms.tls {
            Tls::Absent => Err(Refusal::NotImplemented),
            Tls::Active => Err(Refusal::OutOfSequence),
            // RFC 3207 4: an extension exists only after EHLO. Credentials taken in the clear would not survive the
            // change, and half a message would not either.
            Tls::Startable if !self.extended || self.authenticated => Err(Refusal::OutOfSequence),
            Tls::Startable if matches!(self.stage, Stage::Chunks) => Err(Refusal::OutOfSequence),
            Tls::Startable => Ok(()),
        }
    }

    fn permits_auth(&self, terms: Terms) -> Result<(), Refusal> {
        match terms.auth {
            AuthTerms::Absent => Err(Refusal::NotImplemented),
            AuthTerms::NeedsTls => Err(Refusal::NeedsEncryption),
            // RFC 4954 4: once, and not inside a transaction.
            AuthTerms::Offered if !self.extended || self.authenticated => Err(Refusal::OutOfSequence),
            AuthTerms::Offered if !matches!(self.stage, Stage::Idle) => Err(Refusal::OutOfSequence),
            AuthTerms::Offered => Ok(()),
        }
    }

    /// RFC 6409 4.3: nothing of use before authentication.
    fn permits_use(&self, terms: Terms) -> Result<(), Refusal> {
        match terms.auth {
            _ if !terms.submission || self.authenticated => Ok(()),
            AuthTerms::NeedsTls => Err(Refusal::NeedsTls),
            AuthTerms::Absent | AuthTerms::Offered => Err(Refusal::NeedsAuth),
        }
    }

    fn permits_data(&self) -> Result<(), Refusal> {
        let Stage::Open(transaction) = &self.stage else { return Err(Refusal::OutOfSequence) };
        match transaction.recipients() {
            [] => Err(Refusal::NoRecipients),
            // RFC 3030 3
            _ if transaction.parameters().body == Some(BodyType::BinaryMime) => Err(Refusal::OutOfSequence),
            _ => Ok(()),
        }
    }

    /// The client has named itself. Whatever was open has been reset before.
    pub(crate) fn hello(&mut self, extended: bool) {
        self.named = true;
        self.extended = extended;
    }

    /// Whether the client has named itself.
    pub(crate) const fn is_named(&self) -> bool {
        self.named
    }

    /// The client is authenticated.
    pub(crate) fn authenticate(&mut self) {
        self.authenticated = true;
    }

    /// Whether the client is authenticated.
    pub(crate) const fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// A transaction is open.
    pub(crate) fn open(&mut self, transaction: Transaction) {
        self.excuse = None;
        self.stage = Stage::Open(transaction);
    }

    /// A recipient was accepted.
    pub(crate) fn add(&mut self, recipient: &Recipient) {
        if let Stage::Open(transaction) = &mut self.stage {
            transaction.add(recipient);
        }
    }

    /// Whether a transaction is open and its content has not begun.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open(_))
    }

    /// The transaction that is open.
    pub(crate) const fn transaction(&self) -> Option<&Transaction> {
        match &self.stage {
            Stage::Open(transaction) => Some(transaction),
            Stage::Idle | Stage::Chunks => None,
        }
    }

    /// How many recipients the open transaction has.
    pub(crate) fn recipients(&self) -> usize {
        self.transaction().map_or(0, |transaction| transaction.recipients().len())
    }

    /// Moves the transaction out: the session is free for the next, whatever becomes of this one.
    pub(crate) fn take(&mut self) -> Option<Transaction> {
        match core::mem::take(&mut self.stage) {
            Stage::Open(transaction) => Some(transaction),
            Stage::Idle | Stage::Chunks => None,
        }
    }

    /// A chunk that is not the last was accepted: more of the same message may come.
    pub(crate) fn chunks(&mut self) {
        self.stage = Stage::Chunks;
    }

    /// Goes back to `Idle`.
    pub(crate) fn reset(&mut self) -> Dropped {
        self.excuse = None;
        match core::mem::take(&mut self.stage) {
            Stage::Idle => Dropped::Nothing,
            Stage::Open(_) => Dropped::Transaction,
            Stage::Chunks => Dropped::Content,
        }
    }

    /// MAIL, or a chunk of a message with so many recipients, was refused: so many commands behind it are excused.
    /// Nothing is to be excused where a transaction goes on.
    pub(crate) fn excuse(&mut self, recipients: usize, budget: usize) {
        if matches!(self.stage, Stage::Idle) {
            self.excuse = Some(Excuse { recipients, budget });
        }
    }

    /// Whether a command that is out of sequence is excused. Uses up one excuse.
    pub(crate) fn is_excused(&mut self, command: &Command) -> bool {
        let Some(excuse) = &mut self.excuse else { return false };
        if !matches!(command, Command::Rcpt { .. } | Command::Data | Command::Bdat { .. })
            || excuse.budget == 0
        {
            return false;
        }
        excuse.budget = excuse.budget.saturating_sub(1);
        true
    }

    /// How many recipients the transaction has, or had, that a BDAT behind belongs to; `None` where there was none.
    pub(crate) fn recipients_of_chunk(&self) -> Option<usize> {
        match &self.stage {
            Stage::Open(transaction) => Some(transaction.recipients().len()),
            Stage::Idle | Stage::Chunks => self.excuse.map(|excuse| excuse.recipients),
        }
    }
}
