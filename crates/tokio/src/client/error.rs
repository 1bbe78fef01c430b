//! Why a call of a client failed: where in the conversation, with whom, and whether the call may be repeated.
//!
//! Decides what is safe to repeat. Does not repeat anything.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use posthaste_sasl::SaslError;
use posthaste_wire::Misuse;
use rustls::CertificateError;

use super::Protocol;
use crate::Error;
use crate::tls::problem::{Explained, certificate_error};

/// Why a client's call failed. `E` is the machine's `ProtocolError`, `R` what the server says when it refuses.
///
/// ```
/// use posthaste_tokio::{Retry, smtp};
///
/// fn plan(error: &smtp::Error) -> &'static str {
///     match error.retry() {
///         Retry::Safe => "at once, over a new connection, or at another server",
///         Retry::Later => "later",
///         Retry::Unknown => "only if doing it twice does no harm",
///         Retry::Never => "tell a person",
///     }
/// }
/// ```
#[derive(Debug)]
pub struct ClientError<E: std::error::Error, R: ServerRefusal> {
    phase: Phase,
    peer: Option<Peer>,
    cause: Arc<Cause<E, R>>,
}

/// How far a conversation was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// Before anything was sent: a wrong call.
    Call,
    /// Finding and reaching the server.
    Connect,
    /// TLS from the first octet. STARTTLS is part of [`Greeting`](Self::Greeting).
    Handshake,
    /// From the server's first word to the moment when a login may begin.
    Greeting,
    /// Logging in.
    Login,
    /// A call that changes nothing at the server.
    Query,
    /// A message on its way to the server, not complete yet.
    Transfer,
    /// A call that changes something at the server.
    Change,
    /// The orderly end.
    Close,
}

/// Whether a call that failed may be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Nothing has been done: again at once, over a new connection.
    Safe,
    /// Nothing has been done, and the server says that the same may work later.
    Later,
    /// It may have been done: again only where doing it twice does no harm.
    Unknown,
    /// The same will fail again.
    Never,
}

/// Who the other side is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    name: Arc<str>,
    address: Option<SocketAddr>,
}

/// What a server says when it refuses.
pub trait ServerRefusal: fmt::Debug {
    /// What a program can make of it: `550 5.1.1`, `AUTHENTICATIONFAILED`.
    fn code(&self) -> Option<Cow<'_, str>>;

    /// The server's words, for people.
    fn text(&self) -> Cow<'_, str>;

    /// Whether the server says that the same may work later.
    fn is_transient(&self) -> bool;
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause<E: std::error::Error, R: ServerRefusal> {
    /// The endpoint is that of a server of another protocol.
    #[error("the endpoint is one of {0:?}")]
    WrongProtocol(Protocol),
    /// The server could not be reached, or TLS from the first octet failed.
    #[error("cannot connect: {}", Explained(.0))]
    Connect(#[source] io::Error),
    /// The connection cannot go on.
    #[error(transparent)]
    Connection(#[from] Error<E>),
    /// Nothing happened for so long. The session is of no use any more: drop it.
    #[error("nothing happened for {0:?}")]
    Idle(Duration),
    /// The call took longer than it may, though something happened. The session is of no use any more: drop it. Only an
    /// IMAP session goes on: its other calls do not notice.
    #[error("not done within {0:?}")]
    Deadline(Duration),
    /// The server said no. The session goes on, unless it was opening.
    #[error("the server refuses: {}", Words(.0))]
    Refused(R),
    /// The server closed the session.
    #[error("the server closed the session")]
    Closed,
    /// The server wants a login or the endpoint names who logs in, and there are no credentials.
    #[error("a login is wanted, and there are no credentials")]
    NoCredentials,
    /// The server offers no login that is known here and safe over this connection.
    #[error("the server offers no login that may be used over this connection")]
    NoLogin,
    /// The login mechanism failed before the server could judge.
    #[error("cannot log in: {0}")]
    Sasl(#[from] SaslError),
    /// What was to be sent could not be read. The message was not sent.
    #[error("cannot read what is to be sent: {0}")]
    Source(#[source] io::Error),
    /// Nobody has read what the server sent for so long. The rest of it was skipped; the session goes on.
    #[error("nobody read the answer for {0:?}")]
    Unread(Duration),
    /// What the server sends is larger than the caller takes: so many octets.
    #[error("the server sends more than {0} octets")]
    TooLong(usize),
}

impl<E: std::error::Error, R: ServerRefusal> ClientError<E, R> {
    pub(crate) fn new(phase: Phase, peer: Option<Peer>, cause: impl Into<Cause<E, R>>) -> Self {
        Self { phase, peer, cause: Arc::new(cause.into()) }
    }

    /// How far the conversation was.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Who the other side is, where the call got so far.
    pub const fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// What went wrong.
    pub fn cause(&self) -> &Cause<E, R> {
        &self.cause
    }

    /// The server's refusal, where that is what went wrong.
    pub fn refusal(&self) -> Option<&R> {
        match self.cause() {
            Cause::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// What is wrong with the server's certificate, where that is what went wrong.
    pub fn certificate_error(&self) -> Option<&CertificateError> {
        match self.cause() {
            Cause::Connect(error) | Cause::Connection(Error::Handshake(error)) => certificate_error(error),
            _ => None,
        }
    }

    /// The server's code, where it refused with one.
    pub fn code(&self) -> Option<Cow<'_, str>> {
        self.refusal().and_then(ServerRefusal::code)
    }

    /// Whether the call may be made again, all of it.
    ///
    /// A message that could not be read ([`Cause::Source`]) was not sent to its end, so that nothing has been done: where
    /// it was to come out of another session of this crate, that session's error decides.
    pub fn retry(&self) -> Retry {
        if self.certificate_error().is_some() {
            return Retry::Never;
        }
        match self.cause() {
            Cause::Refused(refusal) if refusal.is_transient() => Retry::Later,
            Cause::Refused(_)
            | Cause::WrongProtocol(_)
            | Cause::NoCredentials
            | Cause::NoLogin
            | Cause::Sasl(_)
            | Cause::TooLong(_)
            | Cause::Unread(_)
            | Cause::Connection(Error::Misuse(_) | Error::TokenOut | Error::NoLayer(_)) => Retry::Never,
            Cause::Source(error) => source_retry(error),
            _ if self.phase >= Phase::Change => Retry::Unknown,
            Cause::Connect(_)
            | Cause::Connection(_)
            | Cause::Idle(_)
            | Cause::Deadline(_)
            | Cause::Closed => Retry::Safe,
        }
    }

    /// The same as it looks from another call, such as one that waited behind the one that failed.
    #[must_use]
    pub(crate) fn seen_from(&self, phase: Phase) -> Self {
        Self { phase, peer: self.peer.clone(), cause: Arc::clone(&self.cause) }
    }
}

impl Peer {
    pub(crate) fn new(name: impl fmt::Display, address: Option<SocketAddr>) -> Self {
        Self { name: name.to_string().into(), address }
    }

    /// What the caller asked for: host and port, or the path of a socket.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address that answered, where the connection is TCP and that far.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) if address.to_string() != *self.name => write!(f, "{} ({address})", self.name),
            _ => f.write_str(&self.name),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "wrong call",
            Self::Connect => "connecting",
            Self::Handshake => "TLS handshake",
            Self::Greeting => "greeting",
            Self::Login => "login",
            Self::Query => "query",
            Self::Transfer => "sending a message",
            Self::Change => "change",
            Self::Close => "closing",
        })
    }
}

impl<E: std::error::Error, R: ServerRefusal> Clone for ClientError<E, R> {
    fn clone(&self) -> Self {
        self.seen_from(self.phase)
    }
}

impl<E: std::error::Error, R: ServerRefusal> fmt::Display for ClientError<E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(peer) = &self.peer {
            write!(f, "{peer}: ")?;
        }
        write!(f, "{}: {}", self.phase, self.cause)
    }
}

impl<E: std::error::Error + 'static, R: ServerRefusal + 'static> std::error::Error for ClientError<E, R> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(self.cause())
    }
}

/// A call that cannot be made now, such as one that the server does not offer.
impl<E: std::error::Error, R: ServerRefusal> From<Misuse> for ClientError<E, R> {
    fn from(misuse: Misuse) -> Self {
        Self::new(Phase::Call, None, Error::Misuse(misuse))
    }
}

/// Whether to try again when what was to be sent could not be read: as the client says that it came from, if one did.
fn source_retry(error: &io::Error) -> Retry {
    let mut next = error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
    while let Some(error) = next {
        let retry = retry_of::<crate::imap::Error>(error, ClientError::retry)
            .or_else(|| retry_of::<crate::pop3::Error>(error, ClientError::retry))
            .or_else(|| retry_of::<crate::smtp::Error>(error, ClientError::retry));
        if let Some(retry) = retry {
            return retry;
        }
        // An `io::Error` names as its source that of the error inside, and passes over the error itself.
        next = match error.downcast_ref::<io::Error>() {
            Some(error) => error.get_ref().map(|inner| inner as _),
            None => error.source(),
        };
    }
    Retry::Never
}

fn retry_of<E: std::error::Error + 'static>(
    error: &(dyn std::error::Error + 'static),
    retry: fn(&E) -> Retry,
) -> Option<Retry> {
    error.downcast_ref().map(retry)
}

/// Code and text of a refusal.
struct Words<'a, R>(&'a R);

impl<R: ServerRefusal> fmt::Display for Words<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = self.0.code() {
            write!(f, "{code} ")?;
        }
        // What a server says is shown to people: nothing in it moves the cursor or ends the line.
        for c in self.0.text().chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
        }
        Ok(())
    }
}

impl ServerRefusal for posthaste_smtp::Rejection {
    fn code(&self) -> Option<Cow<'_, str>> {
        let reply = self.reply();
        Some(match reply.enhanced() {
            Some(enhanced) => format!("{} {enhanced}", reply.code()).into(),
            None => reply.code().to_string().into(),
        })
    }

    fn text(&self) -> Cow<'_, str> {
        self.reply().lines().collect::<Vec<_>>().join(" ").into()
    }

    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }
}

impl ServerRefusal for posthaste_pop3::Reply {
    fn code(&self) -> Option<Cow<'_, str>> {
        Self::code(self).map(|code| code.as_str().into())
    }

    fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(Self::text(self))
    }

    fn is_transient(&self) -> bool {
        use posthaste_pop3::ResponseCode;
        matches!(
            Self::code(self),
            Some(ResponseCode::InUse | ResponseCode::LoginDelay | ResponseCode::SysTemp)
        )
    }
}

impl ServerRefusal for posthaste_imap::types::Status {
    fn code(&self) -> Option<Cow<'_, str>> {
        self.code.as_ref().map(|code| code.name().into())
    }

    fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.text)
    }

    /// RFC 5530 3 and RFC 9051 7.1 say of these that the condition passes.
    fn is_transient(&self) -> bool {
        use posthaste_imap::types::ResponseCode;
        matches!(
            self.code,
            Some(
                ResponseCode::Unavailable
                    | ResponseCode::InUse
                    | ResponseCode::ServerBug
                    | ResponseCode::Limit
            )
        )
    }
}

#[cfg(test)]
mod tests {
    use posthaste_imap::types::{Condition, ResponseCode, Status};
    use posthaste_smtp::{ProtocolError, Rejection};

    use super::*;

    type SmtpError = ClientError<ProtocolError, Rejection>;

    fn smtp(phase: Phase, cause: Cause<ProtocolError, Rejection>) -> SmtpError {
        ClientError::new(phase, Some(Peer::new("mail.example:25", None)), cause)
    }

    fn lost() -> Cause<ProtocolError, Rejection> {
        Cause::Connection(Error::Io(io::ErrorKind::ConnectionReset.into()))
    }

    #[test]
    fn a_lost_connection_is_safe_to_repeat_until_something_may_have_been_done() {
        for phase in
            [Phase::Connect, Phase::Handshake, Phase::Greeting, Phase::Login, Phase::Query, Phase::Transfer]
        {
            assert_eq!(smtp(phase, lost()).retry(), Retry::Safe, "{phase}");
            assert_eq!(smtp(phase, Cause::Idle(Duration::ZERO)).retry(), Retry::Safe, "{phase}");
        }
        for phase in [Phase::Change, Phase::Close] {
            assert_eq!(smtp(phase, lost()).retry(), Retry::Unknown, "{phase}");
            assert_eq!(smtp(phase, Cause::Closed).retry(), Retry::Unknown, "{phase}");
        }
    }

    #[test]
    fn a_refusal_says_itself_whether_to_come_again() {
        let later = smtp(Phase::Change, Cause::Refused(Rejection::mailbox_full()));
        assert_eq!((later.retry(), later.code().as_deref()), (Retry::Later, Some("452 4.2.2")));
        let never = smtp(Phase::Change, Cause::Refused(Rejection::no_such_user()));
        assert_eq!(never.retry(), Retry::Never);
        assert_eq!(
            smtp(Phase::Transfer, Cause::Source(io::ErrorKind::NotFound.into())).retry(),
            Retry::Never
        );
        assert_eq!(SmtpError::from(Misuse::TooLittle { remaining: 1 }).retry(), Retry::Never);
        let status = |code| Status { condition: Condition::No, code: Some(code), text: "x".into() };
        assert!(status(ResponseCode::Unavailable).is_transient());
        assert!(!status(ResponseCode::NoPerm).is_transient());
    }

    #[test]
    fn what_could_not_be_read_from_another_session_may_be_read_again_when_that_one_says_so() {
        let lost: SmtpError = smtp(Phase::Query, lost());
        let gone: SmtpError = smtp(Phase::Query, Cause::Refused(Rejection::no_such_user()));
        let fetched = crate::imap::Error::new(Phase::Query, None, crate::client::Cause::Closed);
        let unread =
            crate::imap::Error::new(Phase::Query, None, crate::client::Cause::Unread(Duration::ZERO));
        let of = |error: io::Error| smtp(Phase::Transfer, Cause::Source(error)).retry();
        assert_eq!(of(io::Error::other(lost.clone())), Retry::Safe);
        assert_eq!(of(io::Error::other(fetched.clone())), Retry::Safe);
        // However often it was wrapped on its way, as by adaptors of readers.
        let wrapped = io::Error::new(io::ErrorKind::UnexpectedEof, io::Error::other(fetched));
        assert_eq!(of(io::Error::other(wrapped)), Retry::Safe);
        assert_eq!(of(io::Error::other(gone)), Retry::Never);
        assert_eq!(of(io::Error::other(unread)), Retry::Never);
        assert_eq!(of(io::Error::other("a broken disk")), Retry::Never);
        assert_eq!(of(io::ErrorKind::ConnectionReset.into()), Retry::Never);
    }

    #[test]
    fn an_error_says_who_when_and_why_and_nothing_of_the_server_moves_the_cursor() {
        let text = "no \u{1b}[2J\r\nHello".into();
        let status = Status { condition: Condition::No, code: Some(ResponseCode::NoPerm), text };
        let peer = Peer::new("mail.example:993", Some(([192, 0, 2, 1], 993).into()));
        let error: ClientError<posthaste_imap::ProtocolError, Status> =
            ClientError::new(Phase::Query, Some(peer), Cause::Refused(status));
        assert_eq!(
            error.to_string(),
            "mail.example:993 (192.0.2.1:993): query: the server refuses: NOPERM no \\u{1b}[2J\\r\\nHello"
        );
        assert_eq!(error.clone().to_string(), error.to_string());
    }
}
