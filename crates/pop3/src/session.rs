//! What is legal when: the three states of a session and every transition between them (RFC 1939 4 to 6).
//! Both machines ask here; neither has a rule of its own.

use core::fmt;

use crate::Verb;

/// The states of a session.
///
/// ```text
///                  login accepted                QUIT
/// Authorization ──────────────────► Transaction ──────► Update ──► (closed)
///   │   ▲  │                            │
///   │   └──┘ STLS, login refused        └─ end of file, time-out ──► (closed, nothing removed)
///   └─ QUIT ──► (closed)
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// The client has to say who it is.
    #[default]
    Authorization,
    /// The maildrop is open.
    Transaction,
    /// The client has quit; what it marked is being removed.
    Update,
}

impl State {
    /// Whether a command is allowed.
    pub const fn allows(self, verb: Verb) -> bool {
        match self {
            Self::Authorization => matches!(
                verb,
                Verb::User
                    | Verb::Pass
                    | Verb::Apop
                    | Verb::Auth
                    | Verb::Stls
                    | Verb::Utf8
                    | Verb::Lang
                    | Verb::Capa
                    | Verb::Quit
            ),
            Self::Transaction => matches!(
                verb,
                Verb::Stat
                    | Verb::List
                    | Verb::Uidl
                    | Verb::Retr
                    | Verb::Top
                    | Verb::Dele
                    | Verb::Noop
                    | Verb::Rset
                    | Verb::Lang
                    | Verb::Capa
                    | Verb::Quit
            ),
            Self::Update => false,
        }
    }

    /// The state behind a login that was accepted.
    #[must_use]
    pub const fn logged_in(self) -> Self {
        match self {
            Self::Authorization => Self::Transaction,
            Self::Transaction | Self::Update => self,
        }
    }

    /// The state behind QUIT. In the authorization state there is nothing to update.
    #[must_use]
    pub const fn quit(self) -> Self {
        match self {
            Self::Authorization => Self::Authorization,
            Self::Transaction | Self::Update => Self::Update,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authorization => "authorization",
            Self::Transaction => "transaction",
            Self::Update => "update",
        })
    }
}
