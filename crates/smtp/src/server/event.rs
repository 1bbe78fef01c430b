//! What a server tells the application. An event that is a token is answered through its own methods.

use bytes::Bytes;

use super::{Auth, BodyEnd, Data, Etrn, Expn, Mail, Rcpt, StartTls, Vrfy, Xclient, Xforward};
use crate::proxy::ProxyHeader;
use crate::{ClientName, Quirk, Violation};

/// An event of a server.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The connection began with a PROXY header; see [`Config::with_proxy_header`](super::Config::with_proxy_header).
    Proxied(ProxyHeader),
    /// The client said who it is; it has been answered. Comes again when the client says it again.
    Hello(Hello),
    /// Token: the client asks for TLS.
    StartTls(StartTls),
    /// Token: the client begins to authenticate, or answers a challenge.
    Auth(Auth),
    /// The exchange begun by [`Auth`] is over without a result: the client gave up, did not send base64, or was asked
    /// more often than the limit allows. It has been answered.
    AuthCancelled,
    /// Token: a message begins.
    Mail(Mail),
    /// Token: a recipient of it.
    Rcpt(Rcpt),
    /// Token: its content is to follow, by DATA or by BDAT; at least one recipient was accepted.
    Data(Data),
    /// The next octets of the content, without dot-stuffing. Line ends are CR LF as the client sent them.
    Body(Bytes),
    /// Token: the content is complete, within all limits and free of what may not be in it.
    BodyEnd(BodyEnd),
    /// The content will not be completed or must not be used: what was received of it is to be thrown away. The
    /// client is told by the machine.
    BodyAborted(BodyAborted),
    /// A transaction ended before its content: by RSET, by a hello, by a BDAT that was refused, or by the end of the
    /// session.
    Reset,
    /// Token: VRFY, where [`Extensions::with_vrfy`](super::Extensions::with_vrfy) says that the application answers.
    Vrfy(Vrfy),
    /// Token: EXPN.
    Expn(Expn),
    /// Token: ETRN.
    Etrn(Etrn),
    /// Token: a trusted front end says who the client is.
    Xclient(Xclient),
    /// Token: a trusted filter says where the next message comes from.
    Xforward(Xforward),
    /// A command broke the grammar in a way that the configuration puts up with. It was understood.
    Repaired(Quirk),
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
    /// The client was silent, or too slow, for too long.
    TimedOut,
    /// Between two chunks the client took it back: by RSET, by a hello, or by a BDAT whose length is no number.
    Reset,
    /// Between two chunks the session ended: by QUIT, or because the client had used up what is put up with.
    Closed,
    /// It is larger than the limit. The client gets 552 5.3.4 at its end, or for the chunk.
    TooBig,
    /// It holds a CR or LF that is no line end. The client gets 554 5.6.0 at its end.
    BareLineEnd,
    /// It holds a NUL. The client gets 554 5.6.0 at its end.
    Nul,
    /// It holds octets over 127 that were not declared, and the configuration wants them declared
    /// ([`EightBitContent::Refuse`](super::EightBitContent::Refuse)). The client gets 554 5.6.1 at its end.
    EightBit,
}
