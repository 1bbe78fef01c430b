//! What a server tells the application. An event that is a token is answered through its own methods.

use bytes::Bytes;

use super::{Auth, AuthResponse, BodyEnd, Data, Mail, Rcpt, StartTls};
use crate::{ClientName, Violation};

/// An event of a server.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The client said who it is; it has been answered. Comes again when the client says it again.
    Hello(Hello),
    /// Token: the client asks for TLS.
    StartTls(StartTls),
    /// Token: the client begins to authenticate.
    Auth(Auth),
    /// Token: the client answers a challenge.
    AuthResponse(AuthResponse),
    /// The exchange begun by [`Auth`] is over without a result: the client gave up or did not send base64. It
    /// has been answered.
    AuthCancelled,
    /// Token: a message begins.
    Mail(Mail),
    /// Token: a recipient of it.
    Rcpt(Rcpt),
    /// Token: its content is to follow; at least one recipient was accepted.
    Data(Data),
    /// The next octets of the content, without dot-stuffing. Line ends are CR LF as the client sent them.
    Body(Bytes),
    /// Token: the content is complete, within all limits and free of what may not be in it.
    BodyEnd(BodyEnd),
    /// The content will not be completed or must not be used: what was received of it is to be thrown away. The
    /// client is told by the machine.
    BodyAborted(BodyAborted),
    /// A transaction ended before its content: by RSET, by EHLO, or by the end of the session.
    Reset,
    /// The client did something wrong and has been told so.
    Violation(Violation),
}

/// Who the client says it is. Not checked in any way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hello {
    /// The name.
    pub name: ClientName,
    /// Which verb was used.
    pub verb: HelloVerb,
}

/// How a client opened its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelloVerb {
    /// `HELO`: no extensions.
    Helo,
    /// `EHLO`.
    Ehlo,
    /// `LHLO`.
    Lhlo,
}

/// Why content is to be thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyAborted {
    /// The client closed the connection.
    Eof,
    /// The client was silent too long.
    TimedOut,
    /// It is larger than the limit. The client gets 552 5.3.4 at its end.
    TooBig,
    /// It holds a CR or LF that is no line end. The client gets 554 5.6.0 at its end.
    BareLineEnd,
    /// It holds a NUL. The client gets 554 5.6.0 at its end.
    Nul,
}
