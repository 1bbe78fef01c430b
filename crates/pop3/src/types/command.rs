//! Commands (RFC 1939 5 to 7, RFC 2449 5, RFC 2595 4, RFC 5034 4, RFC 6856 2 and 3).

use core::fmt;

use posthaste_wire::Secret;

use super::{ApopDigest, LanguageRange, MechanismName, MessageNumber, Password, UserName};

/// A command with its arguments.
///
/// ```text
/// command = keyword *(SP argument) CRLF           ; keywords in any case, at most 255 octets
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `USER name`: whose maildrop.
    User(UserName),
    /// `PASS string`: the password, spaces included.
    Pass(Password),
    /// `APOP name digest`: a login that does not send the password.
    Apop {
        /// Whose maildrop.
        name: UserName,
        /// The digest of the greeting's timestamp and the password.
        digest: ApopDigest,
    },
    /// `AUTH mechanism [initial-response]`.
    Auth {
        /// The SASL mechanism.
        mechanism: MechanismName,
        /// The decoded initial response. An empty one was sent as `=`.
        initial: Option<Secret>,
    },
    /// `CAPA`: what the server can do.
    Capa,
    /// `STLS`: move to TLS.
    Stls,
    /// `UTF8`: messages may be sent in UTF-8.
    Utf8,
    /// `LANG [range]`: which languages there are, or to change to one.
    Lang(Option<LanguageRange>),
    /// `STAT`: how many messages and octets.
    Stat,
    /// `LIST [msg]`: sizes.
    List(Option<MessageNumber>),
    /// `UIDL [msg]`: unique-ids.
    Uidl(Option<MessageNumber>),
    /// `RETR msg`: a whole message.
    Retr(MessageNumber),
    /// `TOP msg n`: the header and `n` lines of the body.
    Top {
        /// The message.
        number: MessageNumber,
        /// How many lines of the body.
        lines: u32,
    },
    /// `DELE msg`: mark to be removed.
    Dele(MessageNumber),
    /// `NOOP`.
    Noop,
    /// `RSET`: unmark all.
    Rset,
    /// `QUIT`: remove what is marked, and end.
    Quit,
}

impl Command {
    /// What the command begins with.
    pub const fn verb(&self) -> Verb {
        match self {
            Self::User(_) => Verb::User,
            Self::Pass(_) => Verb::Pass,
            Self::Apop { .. } => Verb::Apop,
            Self::Auth { .. } => Verb::Auth,
            Self::Capa => Verb::Capa,
            Self::Stls => Verb::Stls,
            Self::Utf8 => Verb::Utf8,
            Self::Lang(_) => Verb::Lang,
            Self::Stat => Verb::Stat,
            Self::List(_) => Verb::List,
            Self::Uidl(_) => Verb::Uidl,
            Self::Retr(_) => Verb::Retr,
            Self::Top { .. } => Verb::Top,
            Self::Dele(_) => Verb::Dele,
            Self::Noop => Verb::Noop,
            Self::Rset => Verb::Rset,
            Self::Quit => Verb::Quit,
        }
    }
}

/// The first word of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the keyword itself, see `Command`")]
pub enum Verb {
    User,
    Pass,
    Apop,
    Auth,
    Capa,
    Stls,
    Utf8,
    Lang,
    Stat,
    List,
    Uidl,
    Retr,
    Top,
    Dele,
    Noop,
    Rset,
    Quit,
}

impl Verb {
    /// All keywords.
    pub const ALL: [Self; 17] = [
        Self::User,
        Self::Pass,
        Self::Apop,
        Self::Auth,
        Self::Capa,
        Self::Stls,
        Self::Utf8,
        Self::Lang,
        Self::Stat,
        Self::List,
        Self::Uidl,
        Self::Retr,
        Self::Top,
        Self::Dele,
        Self::Noop,
        Self::Rset,
        Self::Quit,
    ];

    /// The keyword, in capitals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Pass => "PASS",
            Self::Apop => "APOP",
            Self::Auth => "AUTH",
            Self::Capa => "CAPA",
            Self::Stls => "STLS",
            Self::Utf8 => "UTF8",
            Self::Lang => "LANG",
            Self::Stat => "STAT",
            Self::List => "LIST",
            Self::Uidl => "UIDL",
            Self::Retr => "RETR",
            Self::Top => "TOP",
            Self::Dele => "DELE",
            Self::Noop => "NOOP",
            Self::Rset => "RSET",
            Self::Quit => "QUIT",
        }
    }

    /// The verb of this keyword, in any case.
    pub fn from_keyword(keyword: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.as_str().as_bytes().eq_ignore_ascii_case(keyword))
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
