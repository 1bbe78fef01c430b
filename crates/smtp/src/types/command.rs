//! The commands of RFC 5321, RFC 2033 (LHLO), RFC 3030 (BDAT), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 1985 (ETRN),
//! and XCLIENT and XFORWARD as Postfix speaks them.

use posthaste_wire::Secret;

use crate::{
    Attributes, ClientName, ForwardPath, MailParameters, Mechanism, RcptParameters, ReversePath, Text,
};

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
    /// `BDAT length [LAST]` (RFC 3030 2): so many octets follow, whatever they are.
    Bdat {
        /// How many octets follow behind the CR LF. A number that does not fit 64 bits reads as the largest.
        length: u64,
        /// Whether the message ends with them.
        last: bool,
    },
    /// `RSET`.
    Rset,
    /// `NOOP`; its argument means nothing and is dropped.
    Noop,
    /// `QUIT`.
    Quit,
    /// `VRFY text [SMTPUTF8]`.
    Vrfy {
        /// Whom it asks for.
        text: Text,
        /// Whether the reply may hold UTF-8 (RFC 6531 3.7.4.2). The text may either way.
        smtp_utf8: bool,
    },
    /// `EXPN text [SMTPUTF8]`.
    Expn {
        /// Which list it asks for.
        text: Text,
        /// As that of `Vrfy`.
        smtp_utf8: bool,
    },
    /// `HELP [text]`.
    Help(Option<Text>),
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `ETRN node` (RFC 1985 5): the queue for `node` is to be worked off. The option character is part of it.
    Etrn(Text),
    /// `XCLIENT attributes`: a trusted front end says who the client is.
    Xclient(Attributes),
    /// `XFORWARD attributes`: a trusted front end says where the message came from.
    Xforward(Attributes),
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
