//! The commands of RFC 5321, RFC 2033 (LHLO), RFC 3207 (STARTTLS) and RFC 4954 (AUTH).

use posthaste_wire::Secret;

use crate::{ClientName, ForwardPath, MailParameters, Mechanism, RcptParameters, ReversePath, Text};

/// One command line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `HELO name`.
    Helo(ClientName),
    /// `EHLO name`.
    Ehlo(ClientName),
    /// `LHLO name` (RFC 2033 4.1).
    Lhlo(ClientName),
    /// `MAIL FROM:<path> parameters`.
    Mail {
        /// Where errors go.
        from: ReversePath,
        /// The parameters.
        parameters: MailParameters,
    },
    /// `RCPT TO:<path> parameters`.
    Rcpt {
        /// Where the message goes.
        to: ForwardPath,
        /// The parameters.
        parameters: RcptParameters,
    },
    /// `DATA`.
    Data,
    /// `RSET`.
    Rset,
    /// `NOOP`; its argument means nothing and is dropped.
    Noop,
    /// `QUIT`.
    Quit,
    /// `VRFY text`.
    Vrfy(Text),
    /// `EXPN text`.
    Expn(Text),
    /// `HELP [text]`.
    Help(Option<Text>),
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH mechanism [initial-response]` (RFC 4954 4).
    Auth {
        /// The mechanism.
        mechanism: Mechanism,
        /// The initial response, where the client sent one.
        initial: Option<InitialResponse>,
    },
}

/// The initial response of AUTH, without its base64; empty where the client wrote `=`.
pub type InitialResponse = Secret;
