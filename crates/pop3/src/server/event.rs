//! What a server tells its application.

use super::{Apop, Auth, Login, Quit, Retr, StartTls, Top};
use crate::Violation;

/// What happened. Most variants hold a token that has to be answered before anything else is read.
///
/// There is no event for a connection that ends without QUIT: nothing is to be removed then (RFC 1939 6).
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "an event may hold a token that waits for its answer"]
pub enum Event {
    /// USER and PASS came.
    Login(Login),
    /// APOP came.
    Apop(Apop),
    /// AUTH came, or the response to a challenge.
    Auth(Auth),
    /// The exchange that was going on is over: cancelled by the client, its response was malformed, or it took too
    /// many steps. Answered.
    AuthCancelled,
    /// STLS came.
    StartTls(StartTls),
    /// A whole message is asked for.
    Retr(Retr),
    /// The top of a message is asked for.
    Top(Top),
    /// The client ends the session, and what it marked is to be removed.
    Quit(Quit),
    /// The client did something wrong. Answered; to count and to log.
    Violation(Violation),
}
