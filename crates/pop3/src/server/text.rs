//! What a server says for people, all of it, and in which language (RFC 6856 3). Programs read status and code.

use alloc::string::String;

use crate::LanguageTag;

/// A text for people behind `+OK` or `-ERR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is what `english` says")]
pub enum Text {
    SendPass,
    Messages,
    Octets,
    TopFollows,
    CapabilitiesFollow,
    LanguagesFollow,
    LanguageChanged,
    Utf8Enabled,
    Marked,
    BeginTls,
    Bye,
    Malformed,
    LineTooLong,
    BareLineEnd,
    OutOfOrder,
    Http,
    TooManyErrors,
    NoSuchMessage,
    NoSuchLanguage,
    NeedTls,
    UserPassNotOffered,
    ApopNotOffered,
    MechanismNotOffered,
    Utf8NotOffered,
    NotUtf8,
    UserFirst,
    AuthCancelled,
    AuthTooLong,
    BadBase64,
    MalformedResponse,
    WrongCredentials,
    InUse,
    TooSoon,
    LoginTemporary,
    LoginPermanent,
    Gone,
    ReadTemporary,
    ReadPermanent,
    NeedsUtf8,
    TlsNotOffered,
    TlsTemporary,
    TlsResidue,
    NotRemoved,
}

impl Text {
    /// The text in English, which every client is taken to understand.
    pub const fn english(self) -> &'static str {
        match self {
            Self::SendPass => "send PASS",
            Self::Messages => "messages",
            Self::Octets => "octets",
            Self::TopFollows => "top of message follows",
            Self::CapabilitiesFollow => "capability list follows",
            Self::LanguagesFollow => "language list follows",
            Self::LanguageChanged => "language changed",
            Self::Utf8Enabled => "UTF-8 enabled",
            Self::Marked => "marked as deleted",
            Self::BeginTls => "begin TLS",
            Self::Bye => "bye",
            Self::Malformed => "command is unknown or malformed",
            Self::LineTooLong => "line is too long",
            Self::BareLineEnd => "a line ends with CR LF",
            Self::OutOfOrder => "command is not allowed in this state",
            Self::Http => "this is a POP3 server",
            Self::TooManyErrors => "too many errors",
            Self::NoSuchMessage => "no such message",
            Self::NoSuchLanguage => "no such language",
            Self::NeedTls => "use TLS before logging in",
            Self::UserPassNotOffered => "USER and PASS are not offered",
            Self::ApopNotOffered => "APOP is not offered",
            Self::MechanismNotOffered => "mechanism is not offered",
            Self::Utf8NotOffered => "UTF8 is not offered",
            Self::NotUtf8 => "name or password is not in UTF-8",
            Self::UserFirst => "USER first",
            Self::AuthCancelled => "authentication cancelled",
            Self::AuthTooLong => "authentication takes too many steps",
            Self::BadBase64 => "base64 is malformed",
            Self::MalformedResponse => "authentication response is malformed",
            Self::WrongCredentials => "user name or password is wrong",
            Self::InUse => "another session has the maildrop",
            Self::TooSoon => "too soon after the last login",
            Self::LoginTemporary => "logging in is not possible now",
            Self::LoginPermanent => "logging in is not possible",
            Self::Gone => "the message is gone",
            Self::ReadTemporary => "the message cannot be read now",
            Self::ReadPermanent => "the message cannot be read",
            Self::NeedsUtf8 => "the message needs UTF-8 mode",
            Self::TlsNotOffered => "STLS is not available",
            Self::TlsTemporary => "TLS is not available now",
            Self::TlsResidue => "nothing may follow STLS",
            Self::NotRemoved => "some deleted messages were not removed",
        }
    }
}

/// A language that a server speaks.
#[derive(Clone, Debug)]
pub struct Language {
    /// Its tag.
    pub tag: LanguageTag,
    /// Its name in the language itself.
    pub name: String,
    /// The texts in the language. What a line cannot hold is taken out of them.
    pub translate: fn(Text) -> &'static str,
}

impl Language {
    /// English, in the words of this crate.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::InvalidArgument) never: "en" is a tag.
    pub fn english() -> Result<Self, crate::InvalidArgument> {
        Ok(Self { tag: LanguageTag::new("en")?, name: String::from("English"), translate: Text::english })
    }
}
