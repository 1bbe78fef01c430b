//! What is legal when: the states of an IMAP conversation and every transition between them (RFC 9051 3).
//!
//! Role-neutral: the server refuses what is not legal here, the client does not send it. Nothing else is decided
//! here: no syntax, no policy, no output.
//!
//! ```text
//!  greeting OK          LOGIN, AUTHENTICATE           SELECT, EXAMINE
//!  ──────────► NotAuthenticated ──────► Authenticated ──────────────► Selected
//!                      │                 ▲  │      ▲                  │  │
//!  greeting PREAUTH ───┼─────────────────┘  │      └ CLOSE, UNSELECT ─┘  │
//!                      │                    │        failed SELECT       │
//!                      │ ◄── UNAUTHENTICATE ┴─────────────────────────┤
//!                      └──────── LOGOUT, BYE, end of file ───────────────┘
//!                                           ▼
//!                                         Logout
//! ```

/// The state of a conversation (RFC 9051 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nobody has logged in (RFC 9051 3.1).
    #[default]
    NotAuthenticated,
    /// Somebody has; no mailbox is selected (RFC 9051 3.2).
    Authenticated,
    /// A mailbox is selected, for reading and writing or for reading only (RFC 9051 3.3).
    Selected,
    /// The conversation is ending (RFC 9051 3.4).
    Logout,
}

/// Commands by what they need, which is all the rules depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// CAPABILITY, NOOP, LOGOUT, ID: at any time.
    Any,
    /// STARTTLS, LOGIN, AUTHENTICATE: before login only.
    NotAuthenticated,
    /// Mailbox commands: once logged in.
    Authenticated,
    /// Message commands: with a mailbox selected.
    Selected,
}

/// What changes the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// A login succeeded, or the greeting was PREAUTH.
    LoggedIn,
    /// SELECT or EXAMINE succeeded.
    Selected,
    /// SELECT or EXAMINE failed (RFC 9051 6.3.2: no mailbox is selected then), CLOSE or UNSELECT succeeded.
    Deselected,
    /// UNAUTHENTICATE succeeded (RFC 8437): as before login.
    Unauthenticated,
    /// LOGOUT or BYE.
    LoggedOut,
}

impl State {
    /// Whether a command of `group` is legal in this state.
    pub const fn allows(self, group: Group) -> bool {
        match (self, group) {
            (Self::Logout, _) => false,
            (_, Group::Any) | (Self::NotAuthenticated, Group::NotAuthenticated) => true,
            (_, Group::NotAuthenticated) => false,
            (Self::NotAuthenticated, Group::Authenticated | Group::Selected) => false,
            (_, Group::Authenticated) => true,
            (state, Group::Selected) => matches!(state, Self::Selected),
        }
    }

    /// The state after `transition`. A transition that makes no sense here changes nothing.
    #[must_use]
    pub const fn after(self, transition: Transition) -> Self {
        match (self, transition) {
            (Self::Logout, _) | (_, Transition::LoggedOut) => Self::Logout,
            (Self::NotAuthenticated, Transition::LoggedIn) => Self::Authenticated,
            (Self::Authenticated | Self::Selected, Transition::Unauthenticated) => Self::NotAuthenticated,
            (Self::Authenticated | Self::Selected, Transition::Selected) => Self::Selected,
            (Self::Authenticated | Self::Selected, Transition::Deselected) => Self::Authenticated,
            (state, _) => state,
        }
    }

    /// Whether somebody has logged in.
    pub const fn is_authenticated(self) -> bool {
        matches!(self, Self::Authenticated | Self::Selected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mbx_08_every_group_in_every_state() {
        use Group::{Any, Authenticated, NotAuthenticated, Selected};
        let legal =
            |state: State| [Any, NotAuthenticated, Authenticated, Selected].map(|group| state.allows(group));
        assert_eq!(legal(State::NotAuthenticated), [true, true, false, false]);
        assert_eq!(legal(State::Authenticated), [true, false, true, false]);
        assert_eq!(legal(State::Selected), [true, false, true, true]);
        assert_eq!(legal(State::Logout), [false; 4]);
    }

    #[test]
    fn logout_is_final_and_nothing_selects_before_login() {
        use Transition::{Deselected, LoggedIn, LoggedOut, Selected};
        for transition in [LoggedIn, Selected, Deselected, LoggedOut] {
            assert_eq!(State::Logout.after(transition), State::Logout);
        }
        assert_eq!(State::NotAuthenticated.after(Selected), State::NotAuthenticated);
        assert_eq!(State::Selected.after(Transition::Unauthenticated), State::NotAuthenticated);
        assert_eq!(State::Logout.after(Transition::Unauthenticated), State::Logout);
        assert_eq!(State::Authenticated.after(LoggedIn), State::Authenticated);
        assert_eq!(State::Selected.after(Deselected), State::Authenticated);
    }
}
